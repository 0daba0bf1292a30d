"""The mixin: what is shipped is its output, and what is configured shows everywhere."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIXIN = ROOT / "config/mixin"
# The exporter's own metrics, with what is asked of them; neither recorded ones nor functions.
METRIC = re.compile(r"(?<![\w:$.])((?:acr|swr|registry_exporter)_\w+)(?![\w:])(\{[^}]*\})?")


def evaluate(expression, **options):
    """What a mixin with another configuration holds."""
    code = f"local mixin = (import '{MIXIN}/mixin.libsonnet') + {{ _config+:: {options.pop('config', '{}')} }}; {expression}"
    return subprocess.run(["jsonnet", "-e", code], check=False, capture_output=True, text=True)


def rules(config="{}"):
    groups = json.loads(evaluate("mixin.prometheusAlerts.groups + mixin.prometheusRules.groups", config=config).stdout)
    return [rule for group in groups for rule in group["rules"]]


def alerts(config="{}"):
    return [rule for rule in rules(config) if "alert" in rule]


def dashboards(config="{}"):
    return json.loads(evaluate("mixin.grafanaDashboards", config=config).stdout)


def queries(dashboard):
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (each["query"]["query"] for each in dashboard["templating"]["list"] if each["type"] == "query")
    yield from (each["target"]["expr"] for each in dashboard["annotations"]["list"])


class Mixin(unittest.TestCase):
    def setUp(self):
        if not shutil.which("jsonnet"):
            if os.environ.get("CI") == "true":
                self.fail("jsonnet is not installed")
            self.skipTest("jsonnet is not installed")

    def test_the_shipped_rules_and_dashboards_are_what_the_mixin_makes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([MIXIN / "render.sh", folder], check=True)
            made = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
            for path in made:
                shipped = ROOT / path.relative_to(folder)
                self.assertEqual(shipped.read_text(), path.read_text(), f"{shipped}: run ./run mixin")
            wanted = [path for pattern in ("config/prometheus/rules/*.yml", "grafana/dashboards/*.json",
                                           "config/helm/registry-exporter/files/*/*") for path in ROOT.glob(pattern)]
            self.assertEqual(sorted(str(path.relative_to(folder)) for path in made), sorted(
                [str(path.relative_to(ROOT)) for path in wanted] + ["config/kubernetes/prometheusrule.yaml"]))

    def test_its_files_are_formatted(self):
        files = [*MIXIN.rglob("*.libsonnet"), *MIXIN.rglob("*.jsonnet")]
        self.assertEqual(subprocess.run(["jsonnetfmt", "--test", *files], check=False).returncode, 0,
                         "run: jsonnetfmt -i")

    def test_the_selector_stands_at_every_series_of_the_exporter(self):
        config = "{ selector: 'cluster=\"prod\"' }"
        asked = [rule["expr"] for rule in rules(config)]
        asked += [query for dashboard in dashboards(config).values() for query in queries(dashboard)]
        found = [(match.group(), query) for query in asked for match in METRIC.finditer(query)
                 if not re.match(r'^"', query[match.end():])]
        self.assertGreater(len(found), 300)
        for selector, query in found:
            self.assertIn('cluster="prod"', selector, query)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([MIXIN / "render.sh", folder, config], check=True)
            if shutil.which("promtool"):
                files = list((pathlib.Path(folder) / "config/prometheus/rules").glob("*.yml"))
                checked = subprocess.run(["promtool", "check", "rules", *files], check=False, capture_output=True)
                self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_a_threshold_is_taken_over(self):
        values = {rule["labels"]["name"]: rule["expr"] for rule in rules("{ thresholds+: { build_burn_fast: 7 } }")
                  if rule.get("record") == "registry_exporter:threshold"}
        self.assertEqual(values["build_burn_fast"], "vector(7)")
        self.assertEqual(values["build_burn_slow"], "vector(4)")

    def test_a_name_that_does_not_exist_is_an_error_that_says_it(self):
        for config, said in (("{ thresholds+: { build_burn_quick: 7 } }", "_config.thresholds: there is no build_burn_quick"),
                             ("{ runbook: 'https://example.org' }", "_config: there is no runbook")):
            for part in ("prometheusRules", "prometheusAlerts", "grafanaDashboards"):
                refused = evaluate(f"mixin.{part}", config=config)
                self.assertEqual(refused.returncode, 1)
                self.assertIn(said, refused.stderr)

    def test_every_alert_about_a_repository_or_a_namespace_has_a_team(self):
        for alert in alerts():
            about = re.findall(r"\$labels\.(repo_namespace|repo)\b", str(alert["annotations"]))
            on = "registry, repo_namespace, repo" if "repo" in about else "registry, repo_namespace"
            self.assertEqual(f"* on ({on}) group_left (team) registry_" in alert["expr"], bool(about), alert["alert"])

    def test_the_team_is_the_label_that_is_configured_or_none(self):
        self.assertNotIn("group_left (team)", str(rules("{ teamLabel: '' }")))
        self.assertNotIn("repository_labels", str(rules("{ teamLabel: '' }")))
        other = str(rules("{ teamLabel: 'squad' }"))
        self.assertIn("label_squad", other)
        self.assertNotIn("label_team", other)

    def test_native_histograms_are_read_unless_that_is_switched_off(self):
        histograms = "acr_build|acr_sync|swr_sync|swr_retention_execution|swr_replication_execution|registry_exporter_api_request"
        native = re.compile(rf"(?<![:\w])(?:{histograms})_duration_seconds(?!_)")
        for config, read in (("{}", True), ("{ nativeHistograms: false }", False)):
            asked = [rule["expr"] for rule in rules(config)]
            asked += [query for dashboard in dashboards(config).values() for query in queries(dashboard)]
            classic = [query for query in asked if "_duration_seconds_" in query]
            self.assertGreater(len(classic), 10)
            self.assertEqual({bool(native.search(query)) for query in classic}, {read})
            self.assertEqual("histogram_sum" in str(asked), read)

    def test_links_are_absolute_and_have_one_base(self):
        for alert in alerts():
            self.assertRegex(alert["annotations"]["runbook_url"], r"^https://\S+#registry\w+$")
            self.assertNotIn("dashboard_url", alert["annotations"])
        config = "{ runbookBase: 'https://wiki.example.org/runbook', dashboardBase: 'https://grafana.example.org' }"
        for alert in alerts(config):
            links = alert["annotations"]
            self.assertEqual(links["runbook_url"], "https://wiki.example.org/runbook#" + alert["alert"].lower())
            self.assertRegex(links["dashboard_url"], r"^https://grafana\.example\.org/d/registry-exporter-\w+/")
        for dashboard in dashboards(config).values():
            for url in re.findall(r'"url": "([^"]*)"', json.dumps(dashboard)):
                self.assertTrue(url.startswith("https://grafana.example.org/d/registry-exporter-"), url)

    def test_dashboards_have_the_tags_that_are_configured(self):
        for dashboard in dashboards("{ dashboardTags: ['images'] }").values():
            self.assertEqual(dashboard["tags"], ["images"])


if __name__ == "__main__":
    unittest.main()
