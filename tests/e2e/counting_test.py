"""The promise: every counter equals the truth, through faults and restarts."""

import time
import unittest

from harness import EMULATED, INSTRUMENTED, World, counters, differences, never_falls, scrape, settle, wait_for

SIZE = ["--repositories=50", "--speed=60"]


def builds_seen(truth):
    return [key for key, value in truth.items() if key[0] == "acr_builds_total" and value]


def durations(series):
    """How many builds each histogram holds, by the name of the counter beside it."""
    return {("acr_builds_total", labels): value for (name, labels), value in series.items()
            if name == "acr_build_duration_seconds_count"}


class Counting(unittest.TestCase):
    def test_every_counter_equals_the_truth_with_faults_on(self):
        for order, paging in (("desc", "offset"), ("asc", "filter")):
            with self.subTest(order=order), World() as world:
                world.simulator(*SIZE, "--faults=mild", f"--order={order}")
                world.configure(paging=paging)
                exporter = world.exporter()
                end = time.monotonic() + 8
                while time.monotonic() < end:
                    scrape(exporter)
                settle(self, world, exporter)

    def test_baseline_starts_at_zero_and_counts_only_what_comes(self):
        with World() as world:
            world.simulator(*SIZE)
            world.control(speed=0)
            world.configure(initial_history="baseline")
            exporter = world.exporter()
            at_first = world.truth()
            for _ in range(3):
                shown = scrape(exporter)
            self.assertEqual(sum(counters(shown).values()), 0)
            self.assertEqual(set(counters(shown)), set(at_first))
            # The statuses of the history are there, at 0.
            self.assertEqual(durations(shown), dict.fromkeys(builds_seen(at_first), 0))
            world.control(speed=600)
            time.sleep(4)
            world.control(speed=0)
            truth = world.truth()
            news = {key: value - at_first.get(key, 0) for key, value in truth.items()}
            self.assertGreater(sum(news.values()), 20)
            left = {}

            def equal():
                nonlocal left
                left = differences(counters(scrape(exporter)), news)
                return not left

            self.assertTrue(wait_for(equal, timeout=60), left)
            self.assertEqual(durations(scrape(exporter)),
                             {key: news[key] for key in builds_seen(truth)})

    def test_two_shards_count_together_what_one_process_would(self):
        with World() as world:
            world.simulator("--repositories=20", "--speed=600")
            world.configure(rate=1000)
            shards = [world.exporter("--total-shards=2", f"--shard={i}", state=f"{i}.db")
                      for i in range(2)]
            time.sleep(3)
            world.control(speed=0)
            truth = world.truth()
            shown = [{}, {}]

            def equal():
                for i, shard in enumerate(shards):
                    shown[i] = counters(scrape(shard))
                return not differences({**shown[0], **shown[1]}, truth)

            self.assertTrue(wait_for(equal), differences({**shown[0], **shown[1]}, truth))
            self.assertEqual(set(shown[0]) & set(shown[1]), set())
            self.assertEqual(set(shown[0]) | set(shown[1]), set(truth))
            for share in shown:
                self.assertGreater(len(share), len(truth) / 4)

    def test_a_token_of_iam_works_like_keys(self):
        with World() as world:
            world.simulator("--repositories=5")
            world.configure(swr_credentials="{iam_user: {domain_name: demo-domain, "
                                            "user_name: demo-user, password: demo-password}}")
            exporter = world.exporter()
            self.settle_small(world, exporter)

    def settle_small(self, world, exporter):
        world.control(speed=0)
        truth = world.truth()
        self.assertTrue(wait_for(lambda: not differences(counters(scrape(exporter)), truth)))

    @unittest.skipIf(EMULATED, "the memory and the time of an emulator")
    def test_a_long_backlog_fits_into_64_mebibytes(self):
        with World() as world:
            world.simulator("--repositories=50", "--speed=200000")
            self.assertTrue(wait_for(lambda: sum(world.truth().values()) > (10_000 if INSTRUMENTED else 100_000)))
            world.control(speed=0)
            world.configure(rate=1000)
            exporter = world.exporter()
            settle(self, world, exporter)
            if not INSTRUMENTED:
                self.assertLess(exporter.peak_memory_bytes(), 64 << 20)


class Showing(unittest.TestCase):
    def test_a_later_status_and_repository_show_zero_first(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=600", "--faults=churn:5")
            world.configure(initial_history="baseline")
            exporter = world.exporter()
            seen = {}
            end = time.monotonic() + 15
            while time.monotonic() < end:
                for key, value in scrape(exporter).items():
                    counter = key[0] in ("acr_builds_total", "swr_retention_deletions_total",
                                         "acr_build_duration_seconds_count")
                    if counter and key not in seen:
                        self.assertEqual(value, 0, f"first seen above 0: {key}")
                    if counter:
                        seen[key] = value
                time.sleep(0.1)
            self.assertGreater(sum(seen.values()), 50)

    def test_old_values_show_first_after_a_start(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=0")
            world.configure(initial_history="baseline")
            exporter = world.exporter()
            for _ in range(3):
                scrape(exporter)
            before = never_falls(scrape(exporter))
            exporter.stop()
            world.control(speed=600)
            time.sleep(2)
            world.control(speed=0)
            exporter = world.exporter()
            first = scrape(exporter)
            for key, value in before.items():
                if key[0].startswith(("acr_", "swr_")):
                    self.assertEqual(first[key], value, key)
            self.assertTrue(wait_for(lambda: sum(counters(scrape(exporter)).values()) > 0))


if __name__ == "__main__":
    unittest.main()
