"""Image synchronisation: every counter equals the truth, through faults, kills and restarts, at one
call a reading.

SYNC_KILLS: how many; SYNC_SEED: another run.
"""

import json
import os
import time
import unittest

from harness import http as get, kill_while_looking, look, scrape, wait_for, World

KILLS = int(os.environ.get("SYNC_KILLS", "10"))
SEED = int(os.environ.get("SYNC_SEED", "7"))
DURABLE = tuple(f"{cloud}_{name}" for cloud in ("acr", "swr")
                for name in ("syncs_total", "sync_duration_seconds_bucket",
                             "sync_duration_seconds_count", "sync_duration_seconds_sum"))


def truth_of(world, cloud="acr"):
    """{(namespace, repository, status): finished}, where there was any."""
    truth = {}
    for repository in json.loads(get(world.sim.url + "/truth")[2])[cloud]:
        for status, count in repository["syncs"].items():
            if count:
                truth[(repository["repo_namespace"], repository["repo"], status)] = float(count)
    return truth


def open_in_truth(world, cloud="acr"):
    return {(each["repo_namespace"], each["repo"]): float(each["syncs_in_progress"])
            for each in json.loads(get(world.sim.url + "/truth")[2])[cloud]
            if each["syncs_in_progress"]}


def shown_of(series, name="acr_syncs_total"):
    shown = {}
    for (family, labels), value in series.items():
        if family == name and value:
            by_name = dict(labels)
            key = (by_name["repo_namespace"], by_name["repo"])
            shown[key + ((by_name["status"],) if "status" in by_name else ())] = value
    return shown


def durable(series):
    return {key: value for key, value in series.items() if key[0] in DURABLE}


class Syncs(unittest.TestCase):
    def settle(self, world, exporter, cloud="acr"):
        """Freezes the world, heals it, and scrapes until nothing differs from the truth."""
        world.control(speed=0, faults="none")
        truth = truth_of(world, cloud)
        open_now = open_in_truth(world, cloud)
        shown = {}

        def equal():
            nonlocal shown
            series = scrape(exporter)
            shown = shown_of(series, f"{cloud}_syncs_total")
            return shown == truth and shown_of(series, f"{cloud}_syncs_in_progress") == open_now

        self.assertTrue(wait_for(equal, timeout=90), set(shown.items()) ^ set(truth.items()))
        self.assertGreater(sum(truth.values()), 100)
        series = scrape(exporter)
        for (name, _), value in series.items():
            if name == "registry_exporter_ledger_imbalance":
                self.assertEqual(value, 0)
        return series

    def test_every_counter_equals_the_truth_with_faults_on(self):
        for order in ("desc", "asc"):
            for collect in ("[builds, syncs]", "[syncs]"):
                with self.subTest(order=order, collect=collect), World() as world:
                    world.simulator("--repositories=30", "--speed=120", "--faults=mild",
                                    f"--order={order}", f"--seed={SEED}")
                    world.configure(acr_collect=collect)
                    exporter = world.exporter()
                    end = time.monotonic() + 8
                    while time.monotonic() < end:
                        scrape(exporter)
                    series = self.settle(world, exporter)
                    self.assertEqual("acr_builds_total" in {name for name, _ in series},
                                     "builds" in collect)

    def test_baseline_starts_at_zero_and_counts_only_what_comes(self):
        with World() as world:
            world.simulator("--repositories=30", "--speed=0")
            world.configure(initial_history="baseline", acr_collect="[syncs]")
            exporter = world.exporter()
            at_first = truth_of(world)
            for _ in range(3):
                shown = scrape(exporter)
            self.assertEqual(shown_of(shown), {})
            names = {labels for name, labels in shown if name == "acr_syncs_total"}
            self.assertGreaterEqual(len(names), 4 * len({key[:2] for key in at_first}))
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
            world.configure(initial_history="baseline", acr_collect="[syncs]")
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
                                   if key[0] == "acr_syncs_total"), 20)

    def test_each_repository_of_swr_equals_the_truth_with_faults_on(self):
        for order, collect in (("desc", "[deletions, syncs]"), ("asc", "[syncs]")):
            with self.subTest(order=order, collect=collect), World() as world:
                world.simulator("--repositories=30", "--speed=120", "--faults=mild",
                                f"--order={order}", f"--seed={SEED}")
                world.configure(swr_collect=collect)
                exporter = world.exporter()
                end = time.monotonic() + 8
                while time.monotonic() < end:
                    scrape(exporter)
                series = self.settle(world, exporter, "swr")
                self.assertEqual("swr_retention_deletions_total" in {name for name, _ in series},
                                 "deletions" in collect)

    def test_kills_lose_nothing_and_no_counter_falls(self):
        for cloud in ("acr", "swr"):
            with self.subTest(cloud=cloud):
                self.kill_and_look(cloud)

    def kill_and_look(self, cloud):
        with World() as world:
            world.simulator("--repositories=30", "--speed=120", "--faults=mild", f"--seed={SEED}")
            world.configure(acr_collect="[builds, syncs]", swr_collect="[deletions, syncs]")
            before = kill_while_looking(self, world, KILLS, SEED, durable)
            exporter = world.exporter()
            before = look(self, exporter, before, durable, f"seed {SEED}")
            self.settle(world, exporter, cloud)
            self.assertEqual(exporter.stop(), 0)
            again = world.exporter()
            look(self, again, before, durable, f"seed {SEED}")
            self.settle(world, again, cloud)

    def test_calls_do_not_grow_with_the_repositories(self):
        for repositories in (3, 300):
            with self.subTest(repositories=repositories), World() as world:
                world.simulator(f"--repositories={repositories}", "--speed=0")
                world.configure(acr_collect="[syncs]", max_staleness="100ms", sweep_interval="1h",
                                discovery_interval="1h", initial_history="baseline")
                exporter = world.exporter()
                for _ in range(3):
                    scrape(exporter)
                    time.sleep(0.1)
                before = self.calls(exporter)
                for _ in range(40):
                    time.sleep(0.1)
                    scrape(exporter)
                self.assertLessEqual(self.calls(exporter) - before, 1.1 * 41)

    @staticmethod
    def calls(exporter):
        return sum(value for (name, labels), value in scrape(exporter).items()
                   if name == "registry_exporter_api_requests_total"
                   and dict(labels)["operation"] == "ListRepoSyncTask")


if __name__ == "__main__":
    unittest.main()
