"""--doctor: for everything that can be wrong, the right diagnosis and what to change."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from credentials_test import (ACR, ACR_KEYS, COLLECTION, NO_METADATA, SWR, SWR_KEYS, SWR_OF_REGION,
                              TRUST_AGENCY, USER, registry)
from edge_test import Authority
from harness import EXPORTER, World
from tls_front import TlsFront

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answer_plainly(listener):
    """Speaks HTTP to whoever comes, also to those who begin with TLS."""
    with contextlib.suppress(OSError):
        while True:
            connection = listener.accept()[0]
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


class Doctor(unittest.TestCase):
    def doctor(self, world, registries, *flags, variables=None):
        config = world.folder / "registry_exporter.yml"
        config.write_text(COLLECTION + registries)
        environment = {"PATH": os.environ["PATH"], "HOME": str(world.folder), **(variables or {})}
        run = subprocess.run([EXPORTER, "--doctor", f"--config.file={config}", *flags],
                             env=environment, capture_output=True, text=True, timeout=120,
                             check=False)
        return run.returncode, run.stdout

    def both(self, world, acr_keys=ACR_KEYS, swr_keys=SWR_KEYS, change=lambda text: text):
        return change(registry(ACR, world, "builds", acr_keys) +
                      registry(SWR, world, "images", swr_keys))

    def check(self, report, code, exit_code, *expected):
        self.assertEqual(code, exit_code, report)
        flat = re.sub(r"\s+", " ", report)
        for text in expected:
            self.assertIn(text, flat, report)
        for secret in ("demo-access-key-secret", "demo-secret-key", "c4nary"):
            self.assertNotIn(secret, report)

    def test_all_is_well(self):
        with World() as world:
            world.simulator("--repositories=20", "--speed=0")
            code, report = self.doctor(world, self.both(world))
            self.check(report, code, 0, "All is well.",
                       "credentials ok: from the configuration: access key demo-access-key-id",
                       "credentials ok: from the configuration: access key demo-access-key",
                       "clock ok:", "endpoint ok: http://127.0.0.1",
                       "ok: ListRepository (cr:ListRepository)",
                       "ok: ListRepoBuildRecord (cr:ListRepositoryBuild)",
                       "ok: GetRepoBuildRecord (cr:GetRepositoryBuildRecord)",
                       "ok: ListReposDetails (swr:repo:listRepos)",
                       "ok: ListRetentionHistories (swr:repo:listRetentionHistories)",
                       "20 found, 20 to be read", "for a cold start", "in an hour of steady state",
                       "full pass 0.02 s at 1000 requests per second", "to change nothing")
            # Nothing is written.
            self.assertEqual(sorted(path.name for path in world.folder.iterdir()),
                             ["registry_exporter.yml"])
            code, report = self.doctor(world, self.both(world), "--total-shards=2", "--shard=1")
            self.check(report, code, 0, "at 500 requests per second")
            self.assertNotIn("20 to be read", report)

    def test_the_size_of_an_answer(self):
        with World() as world:
            world.simulator("--repositories=2500", "--speed=0")
            fast = self.both(world, change=lambda text: text.replace(
                "requests_per_second: 1000", "requests_per_second: 9000"))
            code, report = self.doctor(world, fast)
            self.check(report, code, 0, "about 13 to 23 MB of text", "vmagent", "All is well.")
            code, report = self.doctor(world, fast, "--total-shards=2", "--shard=1")
            self.check(report, code, 0, "All is well.")
            self.assertNotIn("vmagent", report)

    def test_the_credentials(self):
        wrong = {
            "access_key_secret: demo-access-key-secret":
                ("access_key_secret: c4nary", "check access_key_secret"),
            "access_key_id: demo-access-key-id": ("access_key_id: other", "check access_key_id"),
            "secret_key: demo-secret-key": ("secret_key: c4nary", "check secret_key"),
            "access_key: demo-access-key,": ("access_key: other,", "check access_key"),
            ACR_KEYS: (ACR_KEYS + ", security_token: c4nary", "security_token together"),
        }
        for right, (text, remedy) in wrong.items():
            with self.subTest(text), World() as world:
                world.simulator("--repositories=3")
                code, report = self.doctor(
                    world, self.both(world, change=lambda c: c.replace(right, text)))
                self.check(report, code, 1, "credentials PROBLEM, refused: from the configuration",
                           remedy, "1 of 2 registries needs a change.")

    def test_credentials_that_are_not_there(self):
        with World() as world:
            world.simulator("--repositories=3")
            text = self.both(world, None, None).replace(
                f"metadata_endpoint: {world.sim.url}",
                f"metadata_endpoint: http://127.0.0.1:{free_port()}")
            code, report = self.doctor(world, text)
            self.check(report, code, 1, "credentials PROBLEM: there are none",
                       "ALIBABA_CLOUD_ACCESS_KEY_ID", "HUAWEICLOUD_SDK_AK",
                       "instance metadata can't be reached")
            bad = world.folder / "token"
            bad.write_text("bad c4nary")
            text = self.both(
                world, f"oidc: {{role_arn: r, provider_arn: p, token_file: {bad}}}",
                "iam_user: {domain_name: demo-domain, user_name: demo-user, password: c4nary}")
            code, report = self.doctor(world, text)
            self.check(report, code, 1, "STS refuses the OIDC token", "IAM refuses the user",
                       "2 of 2 registries need a change.")

    def test_whoever_gives_keys_is_to_blame_when_it_does_not(self):
        dead = f"http://127.0.0.1:{free_port()}"
        with World() as world:
            world.simulator("--repositories=3")
            token = world.folder / "token"
            token.write_text("header.claims.signature\n")
            oidc = {"ALIBABA_CLOUD_ROLE_ARN": "r", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "p",
                    "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token)}
            by_environment = registry(ACR, world, "builds", None).replace(
                f"metadata_endpoint: {world.sim.url}", f"metadata_endpoint: {dead}")
            given = f"oidc: {{role_arn: r, provider_arn: p, token_file: {token}}}"
            swr = registry(SWR, world, "images", f"oidc: {{idp_id: demo, token_file: {token}}}")
            missing = {**oidc, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": f"{token}.none"}
            rows = [
                (by_environment, missing, f"to change write this file, or correct its name: "
                 f"credentials: the environment: oidc: token_file: secret: {token}.none", f"{world.sim.url}: not tried"),
                (by_environment.replace(f"sts_endpoint: {world.sim.url}", f"sts_endpoint: {dead}"),
                 oidc, f"to change {dead} can't be reached: check sts_endpoint", "sts_endpoint PROBLEM"),
                (registry(ACR, world, "builds", given).replace(
                    f"sts_endpoint: {world.sim.url}", "sts_endpoint: http://nowhere.invalid"), {},
                 "the name of http://nowhere.invalid doesn't resolve: check sts_endpoint",
                 f"{world.sim.url}: not tried"),
                (swr.replace(f"iam_endpoint: {world.sim.url}", f"iam_endpoint: {dead}"), {},
                 f"to change {dead} can't be reached: check iam_endpoint", "iam_endpoint PROBLEM"),
            ]
            for text, variables, *words in rows:
                with self.subTest(words[0]):
                    code, report = self.doctor(world, text, variables=variables)
                    self.check(report, code, 1, *words, "1 of 1 registries needs a change.")
                    self.assertNotIn("metadata", report)
            token.write_text("bad c4nary")
            code, report = self.doctor(world, by_environment, variables=oidc)
            self.check(report, code, 1, "STS refuses the OIDC token", f"{world.sim.url}: not tried")
            code, report = self.doctor(world, swr)
            self.check(report, code, 1, "IAM refuses the id token: check oidc.idp_id")

    def test_a_project_that_is_left_out(self):
        with World() as world:
            world.simulator("--repositories=3", "--speed=0")
            of_region = registry(SWR_OF_REGION, world, "images", SWR_KEYS)
            code, report = self.doctor(world, of_region)
            self.check(report, code, 0, "project 0123456789abcdef0123456789abcdef, as found",
                       "ok: KeystoneListProjects (iam:projects:listProjects)")
            code, report = self.doctor(world, of_region.replace("demo-region", "cn-north-99"))
            self.check(report, code, 1, "(swr, cn-north-99, the region's project)",
                       "no project called cn-north-99: set project_id")
            dead = f"http://127.0.0.1:{free_port()}"
            code, report = self.doctor(world, of_region.replace(
                f"iam_endpoint: {world.sim.url}", f"iam_endpoint: {dead}"))
            self.check(report, code, 1, f"to change {dead} can't be reached: check iam_endpoint")
        with World() as world:
            world.simulator("--repositories=3", "--speed=0", "--deny=KeystoneListProjects")
            code, report = self.doctor(world, registry(SWR_OF_REGION, world, "images", SWR_KEYS))
            self.check(report, code, 1, "MISSING: KeystoneListProjects (iam:projects:listProjects)",
                       "or write project_id")

    def test_agencies_and_pods_that_give_no_keys(self):
        with World() as world:
            world.simulator("--repositories=3", "--deny=AssumeAgency")
            token = world.folder / "token"
            token.write_text("bad c4nary")
            oidc = ("oidc: {provider_urn: 'iam::1:oidc-provider:p', agency_urn: 'iam::1:agency:a', "
                    f"token_file: {token}}}")
            pod = {"HC_CONTAINER_CREDENTIALS_FULL_URI": world.sim.url + "/pod-credentials",
                   "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)}
            rows = [
                (SWR, f"{SWR_KEYS}, {TRUST_AGENCY}", {}, "sts:agencies:assume on it"),
                (SWR, oidc, {}, "STS refuses the id token: check oidc.agency_urn"),
                (NO_METADATA, None, pod, "pod identity gives no keys: bind an agency"),
            ]
            for template, credentials, variables, words in rows:
                with self.subTest(words):
                    code, report = self.doctor(
                        world, registry(template, world, "images", credentials),
                        variables=variables)
                    self.check(report, code, 1, words)

    def test_denied_operations_come_with_a_policy_to_paste(self):
        rows = [
            ("ListRepoBuildRecord", "cr:ListRepositoryBuild"),
            ("GetRepoBuildRecord", "cr:GetRepositoryBuildRecord"),
            ("ListRepoBuildRecord,GetRepoBuildRecord", "cr:GetRepositoryBuildRecord"),
            ("ListRepository,ListNamespace", "cr:ListRepository"),
            ("ListRetentionHistories", "swr:repo:listRetentionHistories"),
            ("ListReposDetails,ListNamespaces", "swr:namespace:listNamespaces"),
        ]
        for operations, action in rows:
            with self.subTest(operations), World() as world:
                world.simulator("--repositories=3", "--speed=0", f"--deny={operations}")
                code, report = self.doctor(world, self.both(world))
                self.check(report, code, 1, f"({action})", "MISSING: " + operations.split(",")[0],
                           "1 of 2 registries needs a change.")
                policies = [json.loads(line) for line in map(str.strip, report.splitlines())
                            if line.startswith('{"Version"')]
                self.assertEqual(len(policies), 1, report)
                actions = policies[0]["Statement"][0]["Action"]
                self.assertIn(action, actions)
                self.assertEqual(len(actions), len(operations.split(",")))
                if action.startswith("cr:"):
                    self.assertEqual(policies[0]["Statement"][0]["Resource"],
                                     ["acs:cr:*:*:repository/cri-demo",
                                      "acs:cr:*:*:repository/cri-demo/*"])

    def test_the_shipped_policies_are_what_it_asks_for_no_more_and_no_less(self):
        rows = [
            ("ListRepository,ListNamespace,ListReposDetails,ListNamespaces", ""),
            ("ListRepoBuildRecord,GetRepoBuildRecord,ListRetentionHistories,ListRetentions", ""),
            ("KeystoneListProjects", ""),
            ("ListRepoSyncTask", "    collect: [builds, syncs]\n"),
            ("ShowSyncJob", ""),
            ("GetRepository", "    static_repositories: [{namespace: team-a, name: any}]\n"),
        ]
        asked = {"1": set(), "5.0": set()}  # The clouds' policy languages.
        for operations, extra in rows:
            with World() as world:
                world.simulator("--repositories=3", "--speed=0", f"--deny={operations}")
                _, report = self.doctor(world, registry(ACR, world, "builds", ACR_KEYS, extra) +
                                        registry(SWR_OF_REGION, world, "images", SWR_KEYS,
                                                 "    collect_rules: true\n"
                                                 "    collect: [deletions, syncs]\n"))
            for line in map(str.strip, report.splitlines()):
                if line.startswith('{"Version"'):
                    policy = json.loads(line)
                    asked[policy["Version"]] |= set(policy["Statement"][0]["Action"])
        documents = (ROOT / "docs/credentials.md").read_text()
        for cloud in ("acr", "swr"):
            text = (ROOT / f"config/policies/{cloud}.json").read_text()
            statement, *optional = json.loads(text)["Statement"]
            self.assertEqual(set(statement["Action"]), asked[json.loads(text)["Version"]])
            self.assertIn(text, documents)
            if cloud == "acr":
                self.assertEqual([name.replace("cri-0123456789abcdef", "cri-demo")
                                  for name in statement["Resource"]],
                                 ["acs:cr:*:*:repository/cri-demo",
                                  "acs:cr:*:*:repository/cri-demo/*"])
                self.assertEqual([each["Action"] for each in optional],
                                 [["cr:ListEventCenterRecord"]])

    def test_events_may_be_forbidden(self):
        for denied, words in (
                ([], "permission ok: ListEventCenterRecord (cr:ListEventCenterRecord)"),
                (["--deny=ListEventCenterRecord"], "permission optional, forbidden: without it new "
                 "records show later: ListEventCenterRecord")):
            with self.subTest(denied), World() as world:
                world.simulator("--repositories=100", "--speed=0", *denied)
                code, report = self.doctor(world, registry(ACR, world, "builds", ACR_KEYS))
                self.check(report, code, 0, words)

    def test_the_clock(self):
        for ahead, words in (("20m", "behind the server"), ("-20m", "ahead of the server")):
            with self.subTest(ahead), World() as world:
                world.simulator("--repositories=3", f"--clock-ahead={ahead}")
                code, report = self.doctor(world, self.both(world))
                self.check(report, code, 1, "clock PROBLEM: this machine is 1", words,
                           "set this machine's clock", "3 found, 3 to be read")

    def test_the_way_there(self):
        dead = free_port()
        plain = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(plain.close)
        threading.Thread(target=answer_plainly, args=(plain,), daemon=True).start()
        rows = [
            ("a name that doesn't resolve", "http://nowhere.invalid", "", "doesn't resolve"),
            ("nobody listens", f"http://127.0.0.1:{dead}", "", "can't be reached: check endpoint"),
            ("the proxy is down", None, f"    proxy_url: http://me:c4nary@127.0.0.1:{dead}\n",
             f"the proxy 127.0.0.1:{dead} (proxy_url) can't be reached"),
            ("no TLS there", f"https://127.0.0.1:{plain.getsockname()[1]}", "", "is not accepted"),
        ]
        for name, endpoint, extra, remedy in rows:
            with self.subTest(name), World() as world:
                world.simulator("--repositories=3")
                text = (registry(ACR, world, "builds", ACR_KEYS, extra) +
                        registry(SWR, world, "images", SWR_KEYS, extra))
                if endpoint:
                    text = text.replace(f" endpoint: {world.sim.url}", f" endpoint: {endpoint}")
                code, report = self.doctor(world, text)
                self.check(report, code, 1, "endpoint PROBLEM:", remedy,
                           "2 of 2 registries need a change.")

    def test_the_certificate(self):
        with World() as world:
            world.simulator("--repositories=3", "--speed=0")
            authority = Authority(world.folder)
            good = authority.sign("server")
            trusted = f"    tls: {{ca_file: {authority.certificate}}}\n"
            other = authority.sign("other", "subjectAltName=DNS:other.example")
            rows = [
                ("good", good, trusted, "TLS: the certificate is good"),
                ("an authority that nobody knows", good, "", "name its authority by tls.ca_file"),
                ("another's name", other, trusted, "is for another name"),
                ("another's name, as told", other, f"""    tls:
      ca_file: {authority.certificate}
      server_name: other.example
""", "TLS: the certificate is good"),
                ("expired", authority.sign("expired", days=0), trusted, "has expired: it has to be"),
            ]
            for name, certificate, extra, words in rows:
                with self.subTest(name):
                    front = TlsFront(world.sim.address, *certificate)
                    self.addCleanup(front.close)
                    text = (registry(ACR, world, "builds", ACR_KEYS, extra) +
                            registry(SWR, world, "images", SWR_KEYS, extra))
                    code, report = self.doctor(
                        world, text.replace(world.sim.url, f"https://127.0.0.1:{front.port}"))
                    self.check(report, code, 0 if "is good" in words else 1, words)

    def test_what_is_asked_for(self):
        rows = [
            ("instance", "instance_id: cri-demo", "instance_id: cri-other",
             "there is no instance cri-other"),
            ("project", "project_id: 0123456789abcdef0123456789abcdef", "project_id: other",
             "check project_id and region"),
            ("filter", "    instance_id", "    repositories: {include: ['nothing']}\n    instance_id",
             "no repository matches"),
            ("rate", "    instance_id: cri-demo\n    requests_per_second: 1000",
             "    instance_id: cri-demo\n    requests_per_second: 0.5",
             "requests_per_second is too low for max_staleness (1s)"),
        ]
        for name, right, wrong, remedy in rows:
            with self.subTest(name), World() as world:
                world.simulator("--repositories=3", "--speed=0")
                text = self.both(world)
                self.assertIn(right, text)
                code, report = self.doctor(world, text.replace(right, wrong))
                self.check(report, code, 1, remedy, "1 of 2 registries needs a change.")

    def test_clouds_in_trouble(self):
        well = "All is well."  # What the exporter copes with needs no change.
        rows = [
            ("throttle", "the cloud throttles: lower requests_per_second"),
            ("server_error", "the cloud fails by itself"),
            ("html_error", "the cloud fails by itself"),
            ("business_error", "the cloud fails by itself"),
            ("truncate", "is not the registry's API"),
            ("malformed", "is not the registry's API"),
            ("cut", "break off in the middle"),
            ("lose", "doesn't answer within request_timeout"),
            ("slow", well),
            ("stale", well),
            ("total", well),
            ("token", "has expired: renew it"),
            ("regress", well),
            ("loose", well),
            ("wrong", "the cloud gives pages of other repositories"),
            ("empty", well),
            ("stuck", well),
        ]

        def diagnose(row):
            with World() as world:
                world.simulator("--repositories=3", "--speed=0", f"--faults={row[0]}:100")
                return self.doctor(world, self.both(world, swr_keys=USER))

        with ThreadPoolExecutor(len(rows)) as pool:  # Most of it is waiting.
            diagnoses = list(pool.map(diagnose, rows))
        for (fault, words), (code, report) in zip(rows, diagnoses):
            with self.subTest(fault):
                self.check(report, code, 0 if words is well else 1, words)

    def test_a_bad_configuration_is_told_as_ever(self):
        with World() as world:
            world.simulator("--repositories=3")
            code, _ = self.doctor(world, self.both(world).replace("instance_id", "instance_di"))
            self.assertEqual(code, 2)


if __name__ == "__main__":
    unittest.main()
