"""SWR Enterprise Edition: executions of retention and replication, and what they deleted and copied,
equal the truth, through faults, kills and restarts.

EE_KILLS: how many; EE_SEED: another run.
"""

import json
import os
import pathlib
import subprocess
import time
import unittest

from harness import EXPORTER, http as get, kill_while_looking, look, scrape, wait_for, World

ROOT = pathlib.Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("EE_KILLS", "20"))
SEED = int(os.environ.get("EE_SEED", "7"))
DURABLE = ("swr_retention_deletions_total", "swr_retention_executions_total",
           "swr_retention_execution_duration_seconds_count",
           "swr_retention_execution_duration_seconds_sum",
           "swr_replication_executions_total", "swr_replicated_artifacts_total",
           "swr_replication_execution_duration_seconds_count",
           "swr_replication_execution_duration_seconds_sum")
COUNTERS = tuple(name for name in DURABLE if name.endswith("_total"))
CONFIG = """
collection:
  min_interval: 0s
  initial_history: {initial_history}
  sweep_interval: {sweep_interval}
  discovery_interval: {discovery_interval}
  max_staleness: {max_staleness}
registries:
  - name: ee
    type: swr_ee
    region: demo-region
    endpoint: {endpoint}
    iam_endpoint: {endpoint}
    instance_name: demo-enterprise
    credentials: {{access_key: demo-access-key, secret_key: demo-secret-key}}
    collect: {collect}
    requests_per_second: 2000
    request_timeout: 2s
"""
DEFAULTS = {"initial_history": "count", "sweep_interval": "5s", "discovery_interval": "1s",
            "max_staleness": "1s", "collect": "[retentions, replications]"}


def configure(world, **settings):
    path = world.folder / "registry_exporter.yml"
    path.touch(mode=0o600)
    path.write_text(CONFIG.format(**{**DEFAULTS, "endpoint": world.sim.url, **settings}))


def truth_of(world):
    """{(family, labels): value} of all that is not 0."""
    said = json.loads(get(world.sim.url + "/truth")[2])["swr_ee"]
    truth = {}

    def add(family, label, counts, **labels):
        for value, count in counts.items():
            if count:
                key = tuple(sorted({"registry": "ee", label: value, **labels}.items()))
                truth[(family, key)] = float(count)
    for each in said["retentions"]:
        add("swr_retention_executions_total", "status", each["executions"],
            repo_namespace=each["repo_namespace"])
    for each in said["repositories"]:
        add("swr_retention_deletions_total", "template", each["deletions"],
            repo_namespace=each["repo_namespace"], repo=each["repo"])
    for each in said["replications"]:
        add("swr_replication_executions_total", "status", each["executions"],
            policy=each["policy"])
        add("swr_replicated_artifacts_total", "result", each["artifacts"], policy=each["policy"])
    return truth


def shown_of(series):
    return {key: value for key, value in series.items() if key[0] in COUNTERS and value}


def durable(series):
    return {key: value for key, value in series.items() if key[0] in DURABLE}


class SwrEnterprise(unittest.TestCase):
    def settle(self, world, exporter, families=COUNTERS):
        """Freezes the world, heals it, and scrapes until nothing differs from the truth."""
        world.control(speed=0, faults="none")
        truth = {key: value for key, value in truth_of(world).items() if key[0] in families}
        shown = {}

        def equal():
            nonlocal shown
            shown = shown_of(scrape(exporter))
            return shown == truth

        self.assertTrue(wait_for(equal, timeout=90), set(shown.items()) ^ set(truth.items()))
        for family in families:
            self.assertGreater(sum(value for key, value in truth.items() if key[0] == family), 10)
        series = scrape(exporter)
        self.assertEqual(series[("registry_exporter_ledger_imbalance", (("registry", "ee"),))], 0)
        return series

    def test_every_counter_equals_the_truth_with_faults_on(self):
        retention = tuple(name for name in COUNTERS if "retention" in name)
        replication = tuple(name for name in COUNTERS if "replicat" in name)
        for collect, families in (("[retentions, replications]", COUNTERS),
                                  ("[retentions]", retention), ("[replications]", replication)):
            with self.subTest(collect=collect), World() as world:
                world.simulator("--repositories=30", "--speed=600", "--faults=mild",
                                f"--seed={SEED}")
                configure(world, collect=collect)
                exporter = world.exporter()
                end = time.monotonic() + 8
                while time.monotonic() < end:
                    scrape(exporter)
                self.settle(world, exporter, families)

    def test_baseline_starts_at_zero_and_counts_only_what_comes(self):
        with World() as world:
            world.simulator("--repositories=30", "--speed=0", f"--seed={SEED}")
            configure(world, initial_history="baseline")
            exporter = world.exporter()
            at_first = truth_of(world)
            for _ in range(3):
                shown = scrape(exporter)
            self.assertEqual(shown_of(shown), {})
            for family in COUNTERS:  # At 0 from discovery on.
                self.assertIn(family, {name for name, _ in shown})
            world.control(speed=600)
            time.sleep(5)
            world.control(speed=0)
            news = {key: value - at_first.get(key, 0) for key, value in truth_of(world).items()
                    if value != at_first.get(key, 0)}
            self.assertGreater(sum(news.values()), 10)
            self.assertTrue(wait_for(lambda: shown_of(scrape(exporter)) == news, timeout=60),
                            set(shown_of(scrape(exporter)).items()) ^ set(news.items()))

    def test_new_series_show_zero_first(self):
        with World() as world:
            world.simulator("--repositories=30", "--speed=600", f"--seed={SEED}")
            configure(world, initial_history="baseline")
            exporter = world.exporter()
            seen = {}
            end = time.monotonic() + 12
            while time.monotonic() < end:
                for key, value in durable(scrape(exporter)).items():
                    if key[0].endswith(("_total", "_count")) and key not in seen:
                        self.assertEqual(value, 0, f"first seen above 0: {key}")
                    seen[key] = value
                time.sleep(0.1)
            self.assertGreater(sum(value for key, value in seen.items()
                                   if key[0] == "swr_retention_deletions_total"), 20)

    def test_kills_lose_nothing_and_no_counter_falls(self):
        with World() as world:
            world.simulator("--repositories=30", "--speed=300", "--faults=mild", f"--seed={SEED}")
            configure(world)
            before = kill_while_looking(self, world, KILLS, SEED, durable)
            exporter = world.exporter()
            before = look(self, exporter, before, durable, f"seed {SEED}")
            self.settle(world, exporter)
            self.assertEqual(exporter.stop(), 0)
            again = world.exporter()
            look(self, again, before, durable, f"seed {SEED}")
            self.settle(world, again)

    def test_calls_grow_with_the_policies_and_not_with_the_repositories(self):
        for repositories in (10, 60):
            with self.subTest(repositories=repositories), World() as world:
                world.simulator(f"--repositories={repositories}", "--speed=0")
                configure(world, max_staleness="100ms", sweep_interval="1h",
                          discovery_interval="1h", initial_history="baseline")
                exporter = world.exporter()
                for _ in range(3):
                    scrape(exporter)
                    time.sleep(0.1)
                before = self.calls(exporter)
                for _ in range(40):
                    time.sleep(0.1)
                    scrape(exporter)
                policies = len(json.loads(get(world.sim.url + "/truth")[2])
                               ["swr_ee"]["retentions"])
                self.assertLessEqual(self.calls(exporter) - before, 1.1 * 41 * (policies + 1))

    @staticmethod
    def calls(exporter):
        return sum(value for (name, _), value in scrape(exporter).items()
                   if name == "registry_exporter_api_requests_total")

    def test_the_doctor_finds_the_instance_and_all_its_rights(self):
        with World() as world:
            world.simulator("--repositories=30", "--speed=0")
            configure(world)
            report = self.doctor(world, 0)
            self.assertIn("instance demo-enterprise (", report)
            for operation in ("ListInstanceRetentionPolicyExecTasks",
                              "ListInstanceReplicationPolicyExecutions"):
                self.assertIn("ok: " + operation + " (", report)

    def test_the_doctor_names_each_right_that_is_missing(self):
        asked = set()
        for operation in ("ListInstance", "ListInstanceRepositories",
                          "ListInstanceRetentionPolicies", "ListInstanceRetentionPolicyExecutions",
                          "ListInstanceRetentionPolicyExecTasks",
                          "ListInstanceReplicationPolicies",
                          "ListInstanceReplicationPolicyExecutions", "KeystoneListProjects"):
            with self.subTest(operation), World() as world:
                world.simulator("--repositories=10", "--speed=0", f"--deny={operation}")
                configure(world)
                report = self.doctor(world, 1)
                (policy,) = (json.loads(line) for line in map(str.strip, report.splitlines())
                             if line.startswith('{"Version"'))
                asked |= set(policy["Statement"][0]["Action"])
        text = (ROOT / "config/policies/swr_ee.json").read_text()
        (statement,) = json.loads(text)["Statement"]
        self.assertEqual(set(statement["Action"]), asked)
        self.assertIn(text, (ROOT / "docs/credentials.md").read_text())

    def doctor(self, world, code):
        ran = subprocess.run([EXPORTER, "--doctor",
                              f"--config.file={world.folder}/registry_exporter.yml"],
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stdout


if __name__ == "__main__":
    unittest.main()
