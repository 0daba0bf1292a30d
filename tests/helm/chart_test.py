"""The Helm chart, rendered by tests/helm/render.go since Debian has no helm: with its defaults it is what config/kubernetes
is, and a wrong value fails the schema with its key."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).resolve()
CHART = ROOT / "config/helm/registry-exporter"
PLAIN = ROOT / "config/kubernetes"
RENDERER = BUILD / "helm_render"
SPRIG = pathlib.Path("/usr/share/gocode/src/github.com/Masterminds/sprig")
HELM_LABELS = {"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}

try:
    import jsonschema
    import yaml
except ModuleNotFoundError:
    jsonschema = yaml = None


def missing():
    if not shutil.which("go") or not SPRIG.exists():
        return "golang-go or golang-github-masterminds-sprig-dev is not installed"
    return None if jsonschema else "python3-jsonschema or python3-yaml is not installed"


def run_renderer(values, release="registry-exporter", namespace="monitoring"):
    return subprocess.run([RENDERER, CHART, release, namespace, json.dumps(values)], check=False, capture_output=True,
                          text=True)


def problems(values):
    """What the schema says about the defaults with these values over them, as `key.key: message`."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    merged = over(yaml.safe_load((CHART / "values.yaml").read_text()), values)
    found = jsonschema.Draft7Validator(schema).iter_errors(merged)
    return [f"{'.'.join(map(str, each.absolute_path))}: {each.message}" for each in found]


def over(defaults, given):
    joined = dict(defaults)
    for name, value in given.items():
        if value is None:
            joined.pop(name, None)
        elif isinstance(value, dict) and isinstance(joined.get(name), dict):
            joined[name] = over(joined[name], value)
        else:
            joined[name] = value
    return joined


def plain_objects():
    """The objects of the kustomization, with what kustomize puts in."""
    kustomization = yaml.safe_load((PLAIN / "kustomization.yaml").read_text())
    found = []
    for name in kustomization["resources"]:
        found += yaml.safe_load_all((PLAIN / name).read_text())
    (generated,) = kustomization["configMapGenerator"]
    found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": generated["name"], "labels": {"app.kubernetes.io/name": "registry_exporter"}},
        "data": {name: yaml.safe_load((PLAIN / name).read_text()) for name in generated["files"]}})
    (image,) = kustomization["images"]
    for each in found:
        each["metadata"]["namespace"] = kustomization["namespace"]
        if each["kind"] == "StatefulSet":
            (container,) = each["spec"]["template"]["spec"]["containers"]
            container["image"] = f"{image['newName']}:{image['newTag']}"
    return {each["kind"]: each for each in found}


def without_helm(value):
    """Without what only a chart has: its labels, and what restarts the pods (kustomize has a hash in the name)."""
    if isinstance(value, list):
        return [without_helm(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: without_helm(each) for name, each in value.items()
            if name not in HELM_LABELS and not (name == "annotations" and set(each) == {"checksum/config"})}


class Chart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if missing():
            if os.environ.get("CI") == "true":
                raise AssertionError(missing())
            raise unittest.SkipTest(missing())
        subprocess.run([pathlib.Path(__file__).with_name("build.sh"), BUILD], check=True)

    def render(self, values=None, **where):
        self.assertEqual(problems(values or {}), [])
        made = run_renderer(values or {}, **where)
        self.assertEqual(made.returncode, 0, made.stderr)
        return json.loads(made.stdout)

    def objects(self, values=None, **where):
        """By kind; the dashboards apart."""
        made = self.render(values, **where)["objects"]
        dashboards = [each for each in made if "grafana_dashboard" in each["metadata"]["labels"]]
        others = {each["kind"]: each for each in made if each not in dashboards}
        self.assertEqual(len(others) + len(dashboards), len(made))
        return others, dashboards

    def pod(self, values=None):
        spec = self.objects(values)[0]["StatefulSet"]["spec"]["template"]["spec"]
        return spec, spec["containers"][0]

    def test_with_its_defaults_it_is_what_the_kustomization_is(self):
        wanted = plain_objects()
        for replicas in (2, 1):
            made = without_helm(self.objects({} if replicas == 1 else {"replicas": 2})[0])
            config = made["ConfigMap"]["data"]
            config["registry_exporter.yml"] = yaml.safe_load(config["registry_exporter.yml"])
            made["StatefulSet"]["spec"]["template"]["spec"]["containers"][0].pop("imagePullPolicy")
            for probe in ("livenessProbe", "readinessProbe"):
                get = made["StatefulSet"]["spec"]["template"]["spec"]["containers"][0][probe]["httpGet"]
                self.assertEqual(get.pop("scheme"), "HTTP")  # as without it
            wanted["StatefulSet"]["spec"]["replicas"] = replicas
            wanted["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]["args"] = [f"--total-shards={replicas}"]
            self.assertEqual(sorted(made), sorted(wanted))
            for kind, each in wanted.items():
                self.assertEqual(made[kind], each, kind)

    def test_the_number_of_replicas_is_the_number_of_shards(self):
        made = self.objects({"replicas": 5})[0]["StatefulSet"]["spec"]
        self.assertEqual(made["replicas"], 5)
        self.assertIn("--total-shards=5", made["template"]["spec"]["containers"][0]["args"])

    def test_the_exporter_accepts_its_configuration(self):
        values = {"collection": {"max_staleness": "5m"}, "metrics": {"windows": ["1h", "24h", "7d"], "max_repositories": 1000000}}
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "registry_exporter.yml")
            file.write_text(self.objects(values)[0]["ConfigMap"]["data"]["registry_exporter.yml"])
            said = subprocess.run([BUILD / "registry_exporter", "--config.check", f"--config.file={file}"], check=False,
                                  capture_output=True, text=True)
            self.assertEqual((said.returncode, said.stdout), (0, "OK\n"), said.stderr + file.read_text())

    def test_a_change_of_the_configuration_restarts_the_pods_and_nothing_else_does(self):
        def checksum(values):
            return self.objects(values)[0]["StatefulSet"]["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        self.assertEqual(checksum({}), checksum({"serviceMonitor": {"interval": "1m"}}))
        self.assertNotEqual(checksum({}), checksum({"collection": {"max_staleness": "5m"}}))

    def test_secrets_are_folders_that_the_group_can_read(self):
        spec, container = self.pod({"credentials": {"secrets": ["acr-keys"], "tokens": []}})
        volume = next(each for each in spec["volumes"] if each["name"] == "secret-acr-keys")
        self.assertEqual(volume["secret"], {"secretName": "acr-keys", "defaultMode": 0o440})
        mount = next(each for each in container["volumeMounts"] if each["name"] == "secret-acr-keys")
        self.assertEqual((mount["mountPath"], mount["readOnly"]), ("/run/secrets/acr-keys", True))
        self.assertNotIn("tokens", [each["name"] for each in spec["volumes"] + container["volumeMounts"]])

    def test_the_service_account_takes_the_annotations_of_the_clusters_pod_identity(self):
        given = {"serviceAccount": {"annotations": {"pod-identity.alibabacloud.com/role-name": "registry-exporter"}}}
        self.assertEqual(self.objects(given)[0]["ServiceAccount"]["metadata"]["annotations"],
                         given["serviceAccount"]["annotations"])
        made = self.objects({"serviceAccount": {"create": False, "name": "own"}})[0]
        self.assertNotIn("ServiceAccount", made)
        self.assertEqual(made["StatefulSet"]["spec"]["template"]["spec"]["serviceAccountName"], "own")

    def test_the_state_has_a_volume_unless_it_shall_not(self):
        (claim,) = self.objects({"persistence": {"size": "5Gi", "storageClass": "fast"}})[0]["StatefulSet"]["spec"][
            "volumeClaimTemplates"]
        self.assertEqual(claim["spec"], {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
                                         "resources": {"requests": {"storage": "5Gi"}}})
        made = self.render({"persistence": {"enabled": False}})
        stateful = next(each for each in made["objects"] if each["kind"] == "StatefulSet")["spec"]
        self.assertNotIn("volumeClaimTemplates", stateful)
        self.assertIn({"name": "state", "emptyDir": {}}, stateful["template"]["spec"]["volumes"])
        self.assertIn("counters begin at 0", made["notes"])

    def test_openshift_may_choose_the_user(self):
        spec, _ = self.pod({"podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None}})
        self.assertEqual(spec["securityContext"], {"runAsNonRoot": True, "fsGroupChangePolicy": "OnRootMismatch",
                                                   "seccompProfile": {"type": "RuntimeDefault"}})

    def test_what_is_off_is_not_there(self):
        for key, kind in (("serviceMonitor", "ServiceMonitor"), ("prometheusRule", "PrometheusRule"),
                          ("networkPolicy", "NetworkPolicy")):
            self.assertNotIn(kind, self.objects({key: {"enabled": False}})[0])
        self.assertEqual(self.objects({"dashboards": {"enabled": False}})[1], [])

    def test_dashboards_are_those_that_are_shipped(self):
        _, made = self.objects({"dashboards": {"namespace": "grafana", "annotations": {"grafana_folder": "Registries"}}})
        shipped = {path.name: json.loads(path.read_text()) for path in (ROOT / "grafana/dashboards").glob("*.json")}
        self.assertEqual({name.removeprefix("registry-exporter-"): json.loads(text)
                          for each in made for name, text in each["data"].items()}, shipped)
        for each in made:
            self.assertEqual(each["metadata"]["namespace"], "grafana")
            self.assertEqual(each["metadata"]["labels"]["grafana_dashboard"], "1")

    def test_rules_take_thresholds_and_the_address_of_the_runbook(self):
        made = self.objects({"prometheusRule": {
            "thresholds": {"build_stuck_seconds": 14400, "build_pause_seconds": "5 * 86400"},
            "runbookBase": "https://wiki.example.org/runbook"}})[0]["PrometheusRule"]
        rules = [rule for group in made["spec"]["groups"] for rule in group["rules"]]
        thresholds = {rule["labels"]["name"]: rule["expr"] for rule in rules
                      if rule.get("record") == "registry_exporter:threshold"}
        self.assertEqual(thresholds["build_stuck_seconds"], "vector(14400)")
        self.assertEqual(thresholds["build_pause_seconds"], "vector(5 * 86400)")
        self.assertEqual(thresholds["build_burn_fast"], "vector(10)")
        for rule in rules:
            if "alert" in rule:
                self.assertTrue(rule["annotations"]["runbook_url"].startswith("https://wiki.example.org/runbook#"))

    def test_two_releases_do_not_take_each_others_pods(self):
        one, two = (self.objects(release=name)[0] for name in ("one", "two"))
        self.assertEqual(one["StatefulSet"]["metadata"]["name"], "one-registry-exporter")
        self.assertNotEqual(one["Service"]["spec"]["selector"], two["Service"]["spec"]["selector"])
        for made in (one, two):
            labels = made["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
            for selector in (made["Service"]["spec"]["selector"], made["StatefulSet"]["spec"]["selector"]["matchLabels"],
                             made["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]):
                self.assertLessEqual(selector.items(), labels.items())
            self.assertLessEqual(made["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items(),
                                 made["Service"]["metadata"]["labels"].items())

    def test_everything_that_can_be_set_is_taken_over(self):
        values = json.loads(pathlib.Path(__file__).with_name("everything.json").read_text())
        made = self.objects(values)[0]
        template = made["StatefulSet"]["spec"]["template"]
        spec, container = template["spec"], template["spec"]["containers"][0]
        self.assertEqual(made["StatefulSet"]["metadata"]["name"], "own")
        self.assertEqual(container["image"], "registry.example.org/registry_exporter@sha256:" + "0" * 64)
        self.assertEqual(template["metadata"]["labels"]["a"], "b")
        self.assertEqual(template["metadata"]["annotations"]["c"], "d")
        for key in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "topologySpreadConstraints",
                    "priorityClassName"):
            self.assertEqual(spec[key], values[key], key)
        self.assertIn("--log.format=json", container["args"])
        self.assertIn({"name": "X", "value": "1"}, container["env"])
        self.assertIn(values["extraVolumes"][0], spec["volumes"])
        self.assertIn(values["extraVolumeMounts"][0], container["volumeMounts"])
        self.assertEqual(container["livenessProbe"]["httpGet"]["scheme"], "HTTPS")
        self.assertEqual(made["Service"]["spec"]["ports"], [{"name": "http", "port": 80, "targetPort": "http"}])
        self.assertEqual(made["ServiceMonitor"]["spec"]["endpoints"][0]["scheme"], "https")
        self.assertEqual(made["PrometheusRule"]["metadata"]["labels"]["release"], "x")
        self.assertIn({"protocol": "TCP", "port": 3128}, made["NetworkPolicy"]["spec"]["egress"][0]["ports"])

    def test_notes_warn_of_the_examples_alone(self):
        self.assertEqual(len(re.findall("is the example of the chart", self.render()["notes"])), 2)
        own = {"registries": [{"name": "mine", "type": "acr", "region": "cn-beijing", "instance_id": "cri-mine"}]}
        notes = self.render(own)["notes"]
        self.assertNotIn("WARNING", notes)
        self.assertIn("1 exporter(s) for 1 registry: mine\n", notes)

    def test_registries_of_each_type_are_taken(self):
        for own in ({"type": "acr", "instance_id": "cri-mine"}, {"type": "swr"},
                    {"type": "swr_ee", "instance_name": "mine", "collect": ["retentions"]}):
            registry = {"name": "mine", "region": "somewhere", **own}
            config = self.objects({"registries": [registry]})[0]["ConfigMap"]["data"]["registry_exporter.yml"]
            self.assertEqual(yaml.safe_load(config)["registries"], [registry])

    def test_a_wrong_value_fails_with_its_key(self):
        for key, values in (
                ("replicas", {"replicas": 0}), ("replicas", {"replicas": "2"}),
                ("replica", {"replica": 2}), ("persistance", {"persistance": {"enabled": False}}),
                ("registries", {"registries": []}), ("registries.0.type", {"registries": [{"name": "a", "type": "ecr"}]}),
                ("name", {"registries": [{"type": "acr"}]}),
                ("credentials.tokens.0.expirationSeconds", {"credentials": {"tokens": [
                    {"path": "a", "audience": "b", "expirationSeconds": 60}]}}),
                ("credentials.secrets.0", {"credentials": {"secrets": ["ACR keys"]}}),
                ("persistence.size", {"persistence": {"size": "much"}}),
                ("serviceMonitor.interval", {"serviceMonitor": {"interval": "30"}}),
                ("build_stuck", {"prometheusRule": {"thresholds": {"build_stuck": 1}}}),
                ("prometheusRule.runbookBase", {"prometheusRule": {"runbookBase": "docs/operations.md"}}),
                ("image.digest", {"image": {"digest": "latest"}}),
                ("extraArgs.0", {"extraArgs": ["--total-shards=3"]}), ("probes.scheme", {"probes": {"scheme": "https"}}),
                ("networkPolicy.egressPorts.0", {"networkPolicy": {"egressPorts": [0]}})):
            found = problems(values)
            self.assertEqual(len(found), 1, values)
            self.assertIn(key, found[0])

    def test_the_schema_knows_each_value_and_each_threshold(self):
        schema = json.loads((CHART / "values.schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        self.assertEqual(set(schema["properties"]) - {"global"}, set(values))
        thresholds = yaml.safe_load((ROOT / "config/prometheus/rules/thresholds.yml").read_text())["groups"][0]["rules"]
        self.assertEqual(set(schema["properties"]["prometheusRule"]["properties"]["thresholds"]["properties"]),
                         {rule["labels"]["name"] for rule in thresholds})

    def test_its_version_is_the_exporters(self):
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        said = subprocess.run([BUILD / "registry_exporter", "--version"], check=True, capture_output=True, text=True).stdout
        self.assertIn(f" {chart['appVersion']}\n", said)


if __name__ == "__main__":
    unittest.main()
