"""Real Prometheus that stores native histograms: counts, sums, quantiles and increases are those of
the builds that there were, however often the exporter is killed meanwhile.

NATIVE_KILLS: how many. PROMETHEUS: the command; its features are found out.
"""

import contextlib
import http.client
import json
import math
import os
import pathlib
import random
import re
import signal
import socket
import shutil
import sys
import threading
import time
import unittest
import urllib.parse

import protobuf_wire
from harness import (World, features_of_prometheus, http as get, need_prometheus, parse, scrape,
                     start_prometheus, wait_for)

KILLS = int(os.environ.get("NATIVE_KILLS", "4"))
SEED = int(os.environ.get("NATIVE_SEED", "11"))
SPEED = 5000  # Times faster than life: some thousand builds in a few seconds.
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: registry_exporter
    static_configs: [{{targets: ["{target}"]}}]
"""
BOTH = """    scrape_classic_histograms: true
"""
# After a kill, new series show 0 until a client that saw it comes again. Whoever scrapes more often
# than Prometheus takes its zeros away from it.
SELDOM = 1.5
FAMILY = "acr_build_duration_seconds"
DATA = pathlib.Path(__file__).parent.parent / "data" / "state"
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.99)
WIDTH = 2 ** (1 / 8)  # A bucket's upper bound against its lower one.
STATUSES = ("success", "failed", "canceled", "other")


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def by_status(durations):
    return {status: sorted(seconds for key, all_of_it in durations.items() if key[2] == status
                           for seconds in all_of_it) for status in STATUSES}


def exact_quantile(seconds, quantile):
    """The observations that it falls on or between."""
    rank = quantile * len(seconds)
    return (seconds[max(0, math.ceil(rank) - 1)],
            seconds[min(len(seconds) - 1, math.floor(rank))])


def baseline(exporter):
    """Builds that were there before counting began."""
    return scrape(exporter)[("registry_exporter_records_total",
                             (("class", "baseline"), ("registry", "acr")))]


class Server:
    """Asks a Prometheus."""

    def __init__(self, address):
        self.address = address

    def query(self, expression, at=None):
        wish = {"query": expression, **({"time": f"{at:.3f}"} if at else {})}
        url = f"http://{self.address}/api/v1/query?" + urllib.parse.urlencode(wish)
        answer = json.loads(get(url)[2])
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    def values(self, expression, *labels, at=None):
        return {tuple(result["metric"].get(label, "") for label in labels):
                float(result["value"][1]) for result in self.query(expression, at)}

    def increases(self, selector, *labels, window="1h"):
        """Exact increases: from each series' first sample to its last. Of native histograms: without
        the 0 at the created timestamp, which Prometheus before 3.0 stores as a number, and numbers
        and histograms do not add up (prometheus/prometheus#13384)."""
        found = {}
        for result in self.query(f"{selector}[{window}]"):
            times = [each[0] for each in result.get("histograms") or result["values"]]
            if "histograms" in result and "values" in result:
                assert [each[1] for each in result["values"]] == ["0"], result["values"]
                assert result["values"][0][0] < times[0], result
            name = result["metric"]["__name__"]
            matchers = ",".join(f'{key}={json.dumps(value)}'
                                for key, value in result["metric"].items() if key != "__name__")
            span = round((times[-1] - times[0]) * 1000)
            if span == 0:
                continue
            for one in self.query(f"increase({name}{{{matchers}}}[{span}ms])", times[-1]):
                key = tuple(one["metric"].get(label, "") for label in labels)
                value = one.get("histogram", one.get("value"))[1]
                found[key] = float(value["count"] if isinstance(value, dict) else value)
        return found


class Watcher:
    """Reads the histograms of whatever runs, again and again: they must always add up, and never
    fall or begin anew."""

    def __init__(self, address):
        self.url = f"http://{address}/metrics?collect[]={FAMILY}"
        self.shown = {}
        self.faults = []
        self.reads = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self):
        self._stopping = True
        self._thread.join()

    def _run(self):
        while not self._stopping:
            with contextlib.suppress(OSError, http.client.HTTPException):  # It was killed.
                status, _, body = get(self.url, timeout=5, headers={
                    "Accept": protobuf_wire.ACCEPT, "X-Prometheus-Scrape-Timeout-Seconds": "1"})
                if status == 200:
                    self.reads += 1
                    for key, now in protobuf_wire.histograms(body, FAMILY).items():
                        self.faults += wrong_in(now, self.shown.get(key, now), key)
                        self.shown[key] = now
            time.sleep(SELDOM)


def wrong_in(now, before, key):
    """What must not be, of one histogram as it is now and was before."""
    checks = {
        "native buckets do not add up": now["zeros"] + sum(now["native"].values()) == now["count"],
        "classic buckets do not add up": now["classic"][math.inf] == now["count"],
        "schema": now["schema"] == 3 and now["zero_threshold"] == 2.0**-128,
        "too many buckets": len(now["native"]) <= 160,
        "its sum falls": now["sum"] >= before["sum"],
        "a native bucket falls": all(now["native"].get(index, 0) >= count
                                     for index, count in before["native"].items()),
        "a classic bucket falls": all(now["classic"][bound] >= count
                                      for bound, count in before["classic"].items()),
        "it began anew": now["created"] == before["created"] is not None,
        "an exemplar without its time": all(when > 1e9 for _, when in now["exemplars"]),
    }
    return [(what, key, before, now) for what, holds in checks.items() if not holds]


class Native(unittest.TestCase):
    def setUp(self):
        need_prometheus(self)

    def run_world(self, world, *features, scrape=""):
        """Kills the exporter again and again while Prometheus scrapes; the world then stands
        still, and Prometheus has stored all of it. Returns the server and what there was when
        counting began."""
        dice = random.Random(SEED)
        world.simulator("--repositories=12", "--speed=0", f"--seed={SEED}")
        world.configure(initial_history="baseline", min_interval="100ms")
        before = world.durations()
        address = free_address()
        listen = f"--web.listen-address={address}"
        config = world.folder / "prometheus.yml"
        config.write_text(CONFIG.format(target=address) + scrape)
        exporter = world.exporter(listen)
        server = Server(start_prometheus(self, config, world.folder,
                                         "--enable-feature=" + ",".join(features)))
        self.assertTrue(wait_for(lambda: server.query(f"{FAMILY}") or server.query(
            f"{FAMILY}_count"), timeout=30), "nothing is stored")
        listed = sum(map(len, before.values()))
        self.assertTrue(wait_for(lambda: baseline(exporter) == listed, timeout=30))
        world.control(speed=SPEED)
        watcher = Watcher(address)
        try:
            for _ in range(KILLS):
                time.sleep(dice.uniform(0.5, 3))
                exporter.stop(signal.SIGKILL)
                time.sleep(dice.uniform(0, 1))
                exporter = world.exporter(listen)
            time.sleep(3)
            world.control(speed=0)
            after = by_status(world.durations())
            news = {status: len(after[status]) - len(by_status(before)[status])
                    for status in STATUSES}
            # The watcher goes on: a client that left has new series held back for a minute.
            self.assertTrue(wait_for(lambda: self.shown(exporter) == news, timeout=60,
                                     pause=SELDOM),
                            (self.shown(exporter), news))
        finally:
            watcher.stop()
        self.assertEqual(watcher.faults[:3], [])
        self.assertGreater(watcher.reads, KILLS // 2)
        time.sleep(3)  # Some more scrapes.
        return server, before

    @staticmethod
    def shown(exporter):
        counts = dict.fromkeys(STATUSES, 0)
        for (name, labels), value in scrape(exporter).items():
            if name == f"{FAMILY}_count":
                counts[dict(labels)["status"]] += value
        return counts

    def check_native(self, server, world, before):
        counted = {key: seconds for key, seconds in self.news(world.durations(), before).items()}
        self.assertGreater(sum(map(len, counted.values())), 300)
        labels = ("repo_namespace", "repo", "status")
        stored = server.values(f"histogram_count({FAMILY})", *labels)
        self.assertEqual({key: value for key, value in stored.items() if value},
                         {key: len(seconds) for key, seconds in counted.items()})
        sums = server.values(f"histogram_sum({FAMILY})", *labels)
        for key, seconds in counted.items():
            self.assertAlmostEqual(sums[key], sum(seconds), places=6)
        furthest = self.check_quantiles(server, by_status(counted))
        increases = server.increases(FAMILY, *labels)
        self.assertEqual({key: (increases.get(key, 0), len(counted.get(key, ())))
                          for key in increases | counted
                          if round(increases.get(key, 0), 6) != len(counted.get(key, ()))}, {})
        builds = sum(map(len, counted.values()))
        print(f"{KILLS} kills, {builds} builds in {len(counted)} series: counts, sums and increases "
              f"are theirs, quantiles at most {furthest - 1:.1%} off", file=sys.stderr)

    def check_quantiles(self, server, durations):
        """The furthest of them from an exact quantile, as a factor."""
        furthest = 1
        for status, seconds in durations.items():
            for quantile in QUANTILES if seconds else ():
                expression = f'histogram_quantile({quantile}, sum({FAMILY}{{status="{status}"}}))'
                found = server.values(expression)[()]
                low, high = exact_quantile(seconds, quantile)
                self.assertTrue(low / WIDTH <= found <= high * WIDTH,
                                (status, quantile, low, found, high))
                furthest = max(furthest, low / found, found / high)
        return furthest

    def check_counters(self, server, world, before):
        counted = {key: len(seconds) for key, seconds in
                   self.news(world.durations(), before).items()}
        increases = server.increases("acr_builds_total", "repo_namespace", "repo", "status")
        self.assertEqual({key: round(value, 6) for key, value in increases.items() if value},
                         counted)

    def check_resets(self, server):
        """No 0 at a created timestamp comes after a value: counters begin anew at kills alone."""
        counters = server.values('count by (__name__) ({__name__=~".+_total"})', "__name__")
        resets = {name: server.values(f"max(resets({name}[1h]))")[()] for name, in counters}
        self.assertGreater(len(resets), 10)
        self.assertEqual({name: times for name, times in resets.items() if times > KILLS}, {})
        lasting = re.compile("(acr|swr)_|registry_exporter_(records|durations|history)_")
        self.assertEqual({name: times for name, times in resets.items()
                          if times and lasting.match(name)}, {})

    @staticmethod
    def news(durations, before):
        """What came after `before`."""
        left = {}
        for key, seconds in durations.items():
            seconds = list(seconds)
            for each in before.get(key, ()):
                seconds.remove(each)
            if seconds:
                left[key] = seconds
        return left

    def test_counts_sums_quantiles_and_increases_are_the_truth(self):
        with World() as world:
            server, before = self.run_world(world, "native-histograms")
            self.check_native(server, world, before)
            self.check_counters(server, world, before)
            self.assertEqual(server.query(f"{FAMILY}_count"), [])

    def test_they_are_with_start_timestamps_too(self):
        if "created-timestamp-zero-ingestion" not in features_of_prometheus():
            self.skipTest("this Prometheus knows no start timestamps")
        with World() as world:
            server, before = self.run_world(world, "native-histograms",
                                            "created-timestamp-zero-ingestion")
            self.check_native(server, world, before)
            self.check_counters(server, world, before)
            self.check_resets(server)

    def test_start_timestamps_without_native_histograms_leave_the_classic_ones(self):
        if "created-timestamp-zero-ingestion" not in features_of_prometheus():
            self.skipTest("this Prometheus knows no start timestamps")
        with World() as world:
            # It asks for protobuf, and leaves out the native histograms, but the classic ones only
            # where it is told to keep them.
            server, before = self.run_world(world, "created-timestamp-zero-ingestion", scrape=BOTH)
            self.check_counters(server, world, before)
            self.check_resets(server)
            counted = self.news(world.durations(), before)
            stored = server.values(f"{FAMILY}_count", "repo_namespace", "repo", "status")
            self.assertEqual({key: value for key, value in stored.items() if value},
                             {key: len(seconds) for key, seconds in counted.items()})


class Upgrade(unittest.TestCase):
    """A state from before there were native histograms."""

    def test_classic_buckets_stay_and_native_ones_hold_the_same(self):
        with World() as world:
            shutil.copy(DATA / "version-1.sqlite", world.folder / "state.db")
            before = {key: value
                      for key, value in parse((DATA / "version-1.txt").read_text()).items()
                      if key[0].startswith(FAMILY)}
            self.assertGreater(len(before), 10)  # Sums and counts.
            world.simulator("--repositories=1", "--speed=0")
            settings = world.configure().read_text()
            settings = settings.replace("name: acr", "name: demo-acr").replace(
                "name: swr", "name: demo-swr")
            (world.folder / "registry_exporter.yml").write_text(settings)
            world.sim.stop()  # What is shown comes from the state alone.
            exporter = world.exporter()
            for _ in range(2):  # An old value, then the newest.
                shown = {key: value for key, value in scrape(exporter).items()
                         if key[0].startswith(FAMILY) and not key[0].endswith("_bucket")}
                self.assertEqual(shown, before)
            _, _, body = get(exporter.url + "/metrics", headers={"Accept": protobuf_wire.ACCEPT})
            found = protobuf_wire.histograms(body, FAMILY)
            for key, now in found.items():
                self.assertEqual(wrong_in(now, now, key), [])
                self.assertEqual(now["count"], before[(f"{FAMILY}_count", key)])
                self.assertEqual(now["sum"], before[(f"{FAMILY}_sum", key)])
                self.assertLess(now["created"], time.time() - 60)
                if now["count"]:
                    self.assertGreater(len(now["native"]), 0)
            again = {key: now["created"] for key, now in found.items()}
            exporter.stop()
            exporter = world.exporter()
            _, _, body = get(exporter.url + "/metrics", headers={"Accept": protobuf_wire.ACCEPT})
            self.assertEqual({key: now["created"] for key, now in
                              protobuf_wire.histograms(body, FAMILY).items()}, again)


if __name__ == "__main__":
    unittest.main()
