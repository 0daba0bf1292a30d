"""Every source of credentials, with the real program; keys that expire under load; no secret shows."""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import time
import unittest
import urllib.parse

from harness import EXPORTER, World, counters, differences, http, parse, scrape, wait_for

ACR = """
  - name: {name}
    type: acr
    region: demo-region
    endpoint: {sim}
    sts_endpoint: {sim}
    metadata_endpoint: {sim}
    instance_id: cri-demo
    requests_per_second: 1000
    request_timeout: 2s
{extra}
"""
SWR = """
  - name: {name}
    type: swr
    region: demo-region
    endpoint: {sim}
    iam_endpoint: {sim}
    sts_endpoint: {sim}
    metadata_endpoint: {sim}
    project_id: 0123456789abcdef0123456789abcdef
    requests_per_second: 1000
    request_timeout: 2s
{extra}
"""
PROJECT = "    project_id: 0123456789abcdef0123456789abcdef\n"
SWR_OF_REGION = SWR.replace(PROJECT, "")
NO_METADATA = SWR_OF_REGION.replace("metadata_endpoint: {sim}", "metadata_endpoint: http://127.0.0.1:1")
COLLECTION = """
collection: {min_interval: 0s, initial_history: count, discovery_interval: 1s, max_staleness: 1s}
registries:"""

ACR_KEYS = "access_key_id: demo-access-key-id, access_key_secret: demo-access-key-secret"
SWR_KEYS = "access_key: demo-access-key, secret_key: demo-secret-key"
ROLE = "assume_role: {role_arn: 'acs:ram::1:role/demo', external_id: 'a b'}"
USER = ("iam_user: {domain_name: demo-domain, user_name: demo-user, password: demo-password, "
        "project_name: demo-region}")
AGENCY = "assume_agency: {domain_name: demo-domain, agency_name: demo}"
TRUST_AGENCY = "assume_agency: {agency_urn: 'iam::demo:agency:demo', external_id: 'a b'}"


def registry(template, world, name, credentials, extra=""):
    text = f"    credentials: {{{credentials}}}\n" if credentials else ""
    return template.format(name=name, sim=world.sim.url, extra=text + extra)


def forms(world):
    """(template, name, credentials, whether they expire) of every form there is."""
    token = world.folder / "token"
    token.write_text("header.claims.signature\n")
    lent = json.loads(http(world.sim.url + "/credentials")[2])
    agency = json.loads(http(world.sim.url + "/openstack/latest/securitykey")[2])["credential"]
    acr_oidc = f"oidc: {{role_arn: 'acs:ram::1:role/a', provider_arn: p, token_file: {token}}}"
    swr_oidc = f"oidc: {{idp_id: demo, token_file: {token}}}"
    return [
        (ACR, "acr-static", ACR_KEYS, False),
        (ACR, "acr-sts", f"access_key_id: {lent['AccessKeyId']}, access_key_secret: "
         f"{lent['AccessKeySecret']}, security_token: {lent['SecurityToken']}", False),
        (ACR, "acr-role", f"{ACR_KEYS}, {ROLE}", True),
        (ACR, "acr-oidc", acr_oidc, True),
        (ACR, "acr-oidc-role", f"{acr_oidc}, {ROLE}", True),
        (ACR, "acr-ecs", "ecs_ram_role: ''", True),
        (ACR, "acr-ecs-named", "ecs_ram_role: demo-role", True),
        (ACR, "acr-uri", f"credentials_uri: {world.sim.url}/credentials", True),
        (SWR, "swr-static", SWR_KEYS, False),
        (SWR, "swr-sts", f"access_key: {agency['access']}, secret_key: {agency['secret']}, "
         f"security_token: {agency['securitytoken']}", False),
        (SWR, "swr-user", USER, True),
        (SWR, "swr-ecs", "ecs_agency: true", True),
        (SWR, "swr-oidc", swr_oidc, True),
        (SWR, "swr-agency", f"{SWR_KEYS}, {AGENCY}", True),
        (SWR, "swr-user-agency", f"{USER}, {AGENCY}", True),
        (SWR, "swr-trust-agency", f"{SWR_KEYS}, {TRUST_AGENCY}", True),
        (SWR, "swr-oidc-agency", "oidc: {provider_urn: 'iam::demo:oidc-provider:demo', agency_urn: "
         f"'iam::demo:agency:demo', token_file: {token}}}", True),
        (SWR_OF_REGION, "swr-region", SWR_KEYS, False),
        (SWR_OF_REGION, "swr-region-user", USER, True),
        (SWR_OF_REGION, "swr-region-agency", f"{SWR_KEYS}, {TRUST_AGENCY}", True),
    ]


def of_registry(series, name):
    """The counters of one registry, as if it were called like its cloud."""
    mine = {}
    for (family, labels), value in counters(series).items():
        labels = dict(labels)
        if labels["registry"] == name:
            labels["registry"] = name[:3]
            mine[(family, tuple(sorted(labels.items())))] = value
    return mine


def of_cloud(truth, cloud):
    return {key: value for key, value in truth.items() if dict(key[1])["registry"] == cloud}


class Sources(unittest.TestCase):
    def once(self, world, variables):
        """Exposition of one collection in a clean environment; the log on failure."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(world.folder), **variables}
        run = subprocess.run(
            [EXPORTER, "--once", f"--config.file={world.folder}/registry_exporter.yml",
             "--state.path=:memory:"], env=environment, capture_output=True, text=True, timeout=60,
            check=False)
        self.assertEqual(run.returncode, 0, run.stderr[-2000:])
        return parse(run.stdout)

    def test_every_form_reads_the_whole_truth(self):
        with World() as world:
            world.simulator("--repositories=5", "--speed=0")
            all_forms = forms(world)
            (world.folder / "registry_exporter.yml").write_text(
                COLLECTION + "".join(registry(*(template, world, name, credentials))
                                     for template, name, credentials, _ in all_forms))
            series = self.once(world, {})
            truth = world.truth()
            for _, name, _, expires in all_forms:
                with self.subTest(name):
                    cloud = name[:3]
                    self.assertEqual(
                        differences(of_registry(series, name), of_cloud(truth, cloud)), {})
                    self.assertEqual(series[(cloud + "_up", (("registry", name),))], 1)
                    expiry = series.get(
                        ("registry_exporter_credentials_expiry_timestamp_seconds",
                         (("registry", name),)))
                    self.assertEqual(expiry is not None, expires)

    def test_the_default_chains_find_what_there_is(self):
        with World() as world:
            world.simulator("--repositories=3", "--speed=0")
            token = world.folder / "token"
            token.write_text("header.claims.signature")
            cli = world.folder / "cli.json"
            cli.write_text(json.dumps({"current": "b", "profiles": [
                {"name": "a", "mode": "AK", "access_key_id": "x", "access_key_secret": "y"},
                {"name": "b", "mode": "RamRoleArn", "access_key_id": "demo-access-key-id",
                 "access_key_secret": "demo-access-key-secret", "ram_role_arn": "r"}]}))
            acr_file = world.folder / "acr.ini"
            acr_file.write_text("[default]\ntype = access_key\naccess_key_id = demo-access-key-id\n"
                                "access_key_secret = demo-access-key-secret\n")
            swr_file = world.folder / "swr.ini"
            swr_file.write_text("[basic]  # ours\nak = demo-access-key  # key\n"
                                "sk = 'demo-secret-key'\n")
            no_instance = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
            rows = [
                (ACR, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "demo-access-key-id",
                       "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "demo-access-key-secret"}),
                (ACR, {"ALIBABA_CLOUD_ROLE_ARN": "r", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "p",
                       "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token), **no_instance}),
                (ACR, {"ALIBABA_CLOUD_CONFIG_FILE": str(cli), **no_instance}),
                (ACR, {"ALIBABA_CLOUD_CREDENTIALS_FILE": str(acr_file), **no_instance}),
                (ACR, {}),
                (ACR, {"ALIBABA_CLOUD_CREDENTIALS_URI": world.sim.url + "/credentials",
                       **no_instance}),
                (SWR, {"HUAWEICLOUD_SDK_AK": "demo-access-key",
                       "HUAWEICLOUD_SDK_SK": "demo-secret-key"}),
                (SWR, {"HUAWEICLOUD_SDK_IDP_ID": "demo",
                       "HUAWEICLOUD_SDK_ID_TOKEN_FILE": str(token)}),
                (SWR, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(swr_file)}),
                (SWR_OF_REGION, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(swr_file)}),
                (NO_METADATA, {"HC_CONTAINER_CREDENTIALS_FULL_URI":
                               world.sim.url + "/pod-credentials",
                               "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)}),
                (SWR, {}),
            ]
            for template, variables in rows:
                with self.subTest(list(variables)):
                    cloud = "acr" if template is ACR else "swr"
                    (world.folder / "registry_exporter.yml").write_text(
                        COLLECTION + registry(template, world, cloud, None))
                    # A proxy that leads nowhere: metadata never goes through one.
                    if not variables:
                        variables = {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": ""}
                        registry_text = registry(template, world, cloud, None,
                                                 "    proxy_url: http://127.0.0.1:1\n")
                        (world.folder / "registry_exporter.yml").write_text(
                            COLLECTION + registry_text)
                        self.no_proxy_for_metadata(world, variables)
                        (world.folder / "registry_exporter.yml").write_text(
                            COLLECTION + registry(template, world, cloud, None))
                        variables = {}
                    series = self.once(world, variables)
                    self.assertEqual(differences(of_registry(series, cloud),
                                                 of_cloud(world.truth(), cloud)), {})

    def no_proxy_for_metadata(self, world, variables):
        """Keys are had although the proxy is dead; the calls to the cloud itself then fail."""
        run = subprocess.run(
            [EXPORTER, "--once", f"--config.file={world.folder}/registry_exporter.yml",
             "--state.path=:memory:"], env={"HOME": str(world.folder), **variables},
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(run.returncode, 1)
        series = parse(run.stdout)
        found = [value for (name, labels), value in series.items()
                 if name == "registry_exporter_api_requests_total"
                 and dict(labels)["operation"] == "InstanceMetadata"
                 and dict(labels)["outcome"] == "ok"]
        self.assertEqual(len(found), 1, run.stdout[-2000:])


class Rotation(unittest.TestCase):
    def test_keys_that_live_five_seconds_lose_no_scrape(self):
        with World() as world:
            world.simulator("--repositories=5", "--speed=60", "--credentials-ttl=5s")
            lending = [form for form in forms(world) if form[3]]
            (world.folder / "registry_exporter.yml").write_text(
                COLLECTION + "".join(registry(template, world, name, credentials)
                                     for template, name, credentials, _ in lending))
            exporter = world.exporter()
            expiries = {name: set() for _, name, _, _ in lending}
            end = time.monotonic() + 13
            while time.monotonic() < end:
                series = scrape(exporter)
                for name, seen in expiries.items():
                    self.assertEqual(series[(name[:3] + "_up", (("registry", name),))], 1, name)
                    seen.add(series[("registry_exporter_credentials_expiry_timestamp_seconds",
                                     (("registry", name),))])
            for name, seen in expiries.items():
                self.assertGreater(len(seen), 2, name)
            outcomes = {}
            for (name, labels), value in series.items():
                if name == "registry_exporter_scrapes_total":
                    self.assertTrue(value == 0 or ("result", "partial") not in labels)
                if name == "registry_exporter_api_requests_total":
                    outcome = dict(labels)["outcome"]
                    outcomes[outcome] = outcomes.get(outcome, 0) + value
            # A machine that stalls for a second may send keys too late, or wait too long for an
            # answer: the question is asked again.
            stalled = outcomes.pop("unauthorized", 0) + outcomes.pop("timeout", 0)
            self.assertLess(stalled, 0.01 * outcomes["ok"])
            self.assertEqual(list(outcomes), ["ok"])
            world.control(speed=0)
            truth = world.truth()
            self.assertTrue(wait_for(lambda: all(
                not differences(of_registry(scrape(exporter), name), of_cloud(truth, name[:3]))
                for name in expiries)))


class Project(unittest.TestCase):
    """A project that is left out, asked of IAM by the region's name."""

    def read(self, world, template, history, expected_calls):
        """What a new process shows, with the same state."""
        collection = COLLECTION.replace("initial_history: count", f"initial_history: {history}")
        (world.folder / "registry_exporter.yml").write_text(
            collection + registry(template, world, "swr", SWR_KEYS))
        exporter = world.exporter()
        for _ in range(3):  # The first shows what was before.
            series = scrape(exporter)
        calls = [value for (name, labels), value in series.items()
                 if name == "registry_exporter_api_requests_total"
                 and dict(labels)["operation"] == "KeystoneListProjects"]
        self.assertEqual(calls, expected_calls)
        self.assertEqual(exporter.stop(), 0)
        return series

    def test_the_state_knows_the_registry_whether_the_project_is_written_or_not(self):
        other = SWR.replace("0123456789abcdef0123456789abcdef", "f" * 32)
        with World() as world:
            world.simulator("--repositories=3", "--speed=0")
            truth = of_cloud(world.truth(), "swr")
            self.assertGreater(sum(truth.values()), 0)
            first = self.read(world, SWR_OF_REGION, "count", [1])
            self.assertEqual(differences(of_registry(first, "swr"), truth), {})
            # A new registry would begin at 0: these are the old one.
            for template, calls in ((SWR_OF_REGION, [1]), (SWR, []), (SWR_OF_REGION, [1])):
                again = self.read(world, template, "baseline", calls)
                self.assertEqual(differences(of_registry(again, "swr"), truth), {})
            elsewhere = self.read(world, other, "baseline", [])
            self.assertEqual(elsewhere[("swr_up", (("registry", "swr"),))], 0)
            self.assertEqual(sum(of_registry(elsewhere, "swr").values()), 0)
            back = self.read(world, SWR_OF_REGION, "baseline", [1])
            self.assertEqual(differences(of_registry(back, "swr"), truth), {})

    def test_a_wrong_project_that_was_never_read_is_forgotten_once_it_is_left_out(self):
        with World() as world:
            world.simulator("--repositories=3", "--speed=0")
            self.read(world, SWR.replace("0123456789abcdef0123456789abcdef", "f" * 32), "count", [])
            series = self.read(world, SWR_OF_REGION, "count", [1])
            self.assertEqual(differences(of_registry(series, "swr"),
                                         of_cloud(world.truth(), "swr")), {})


CANARY = "C4n4ry/+= {} &x"


def disguises(secret):
    """The forms in which a secret could show."""
    raw = secret.encode()
    plain = [secret, secret.strip(), urllib.parse.quote(secret, safe=""),
             urllib.parse.quote_plus(secret), urllib.parse.quote(secret), raw.hex(),
             raw.hex().upper(), base64.b64encode(raw).decode(), json.dumps(secret)[1:-1]]
    # Within a longer text, base64 has three alignments.
    for shift in (1, 2):
        plain.append(base64.b64encode(b"x" * shift + raw).decode()[4:-4])
    return {form.encode() for form in plain if len(form) > 7}


class Canary(unittest.TestCase):
    def canary(self, name):
        secret = CANARY.format(name)
        self.secrets[name] = secret
        return json.dumps(secret)

    def wrong_registries(self, world):
        """Every form with secrets that are refused, and some that break on the way."""
        token = world.folder / "bad-token"
        token.write_text("bad" + json.loads(self.canary("oidc")))
        self.secrets["oidc"] = token.read_text()
        file = world.folder / "secret"
        file.write_text(json.loads(self.canary("file")) + "\n")
        role = "assume_role: {role_arn: r}"
        rows = [
            (ACR, "acr-1", f"access_key_id: demo-access-key-id, access_key_secret: {self.canary('acr')}"),
            (ACR, "acr-2", f"access_key_id: demo-access-key-id, access_key_secret_file: {file}"),
            (ACR, "acr-3", "access_key_id: demo-access-key-id, access_key_secret: "
             f"{self.canary('role')}, {role}"),
            (ACR, "acr-4", f"access_key_id: x, access_key_secret: {self.canary('sts')}, "
             f"security_token: {self.canary('token')}"),
            (ACR, "acr-5", f"oidc: {{role_arn: r, provider_arn: p, token_file: {token}}}"),
            (SWR, "swr-1", f"access_key: demo-access-key, secret_key: {self.canary('swr')}"),
            (SWR, "swr-2", f"access_key: y, secret_key: {self.canary('swr-sts')}, "
             f"security_token: {self.canary('swr-token')}"),
            (SWR, "swr-3", "iam_user: {domain_name: demo-domain, user_name: demo-user, password: "
             f"{self.canary('password')}}}"),
            (SWR, "swr-4", f"oidc: {{idp_id: i, token_file: {token}}}"),
            (SWR, "swr-5", "access_key: demo-access-key, secret_key: '${CANARY_SECRET}'"),
            (SWR_OF_REGION, "swr-6", "oidc: {provider_urn: 'iam::1:oidc-provider:p', agency_urn: "
             f"'iam::1:agency:a', token_file: {token}}}"),
            (SWR, "swr-7", f"access_key: demo-access-key, secret_key: {self.canary('trust')}, "
             f"{TRUST_AGENCY}"),
        ]
        return "".join(registry(template, world, name, credentials)
                       for template, name, credentials in rows)

    def lent_secrets(self):
        """What the simulator lends, by its own rule."""
        for number in range(1, 60):
            for kind in ("secret", "security"):
                digest = hashlib.sha256(f"{kind}{number}".encode()).hexdigest()
                self.secrets[f"{kind}{number}"] = digest
            inner = hashlib.sha256(f"token{number}".encode()).hexdigest()
            self.secrets[f"token{number}"] = base64.b64encode(inner.encode()).decode()
            part = hashlib.sha256(f"token{number}/0".encode()).hexdigest()
            self.secrets[f"iam{number}"] = part

    def test_no_secret_shows_anywhere(self):
        self.secrets = {"acr-demo": "demo-access-key-secret", "swr-demo": "demo-secret-key",
                        "user-demo": "demo-password", "variable": CANARY.format("variable"),
                        "proxy": "Pr0xyC4n4ry"}
        self.lent_secrets()
        with World() as world:
            world.simulator("--repositories=3", "--faults=mild,token:20", "--credentials-ttl=2s")
            proxied = registry(ACR, world, "acr-proxied", ACR_KEYS,
                               "    proxy_url: http://me:Pr0xyC4n4ry@127.0.0.1:1\n")
            good = "".join(registry(template, world, "good-" + name, credentials)
                           for template, name, credentials, expires in forms(world) if expires)
            config = world.folder / "registry_exporter.yml"
            config.write_text(COLLECTION + good + proxied + self.wrong_registries(world))
            environment = {**os.environ, "HOME": str(world.folder),
                           "CANARY_SECRET": self.secrets["variable"]}
            exporter = world.start(
                [EXPORTER, f"--config.file={config}", f"--state.path={world.folder}/state.db",
                 "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle", "--log.level=debug"],
                r'address="?(127\.0\.0\.1:[0-9]+)', environment)
            shown = {}
            end = time.monotonic() + 5
            while time.monotonic() < end:
                scrape(exporter)
            for path in ("/", "/metrics", "/status", "/api/v1/repositories", "/nowhere"):
                shown[path] = http(exporter.url + path)[2]
            config.write_text(config.read_text().replace("region:", "regoin:"))
            shown["reload"] = http(exporter.url + "/-/reload", "POST")[2]
            pid = exporter.process.pid
            shown["command line"] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            self.assertEqual(exporter.stop(), 0)
            shown["log"] = "".join(exporter.lines).encode()
            for file in world.folder.glob("state.db*"):
                shown[file.name] = file.read_bytes()
            check = subprocess.run([EXPORTER, "--config.check", f"--config.file={config}"],
                                   env=environment, capture_output=True, check=False)
            shown["check"] = check.stdout + check.stderr
            self.assertIn(b"unauthorized", shown["log"])
            self.assertIn(b"regoin", shown["check"])
            self.assertGreater(len(shown["/metrics"]), 10000)
        for place, text in shown.items():
            for name, secret in self.secrets.items():
                for disguise in disguises(secret):
                    self.assertNotIn(disguise, text, f"{name} in {place}")


if __name__ == "__main__":
    unittest.main()
