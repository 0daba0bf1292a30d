"""Real VictoriaMetrics scrapes the real exporter: what it stores is the truth."""

import json
import math
import os
import shutil
import socket
import subprocess
import unittest
import urllib.parse

from harness import World, differences, http, wait_for

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: registry_exporter
    static_configs: [{{targets: ["{target}"]}}]
"""
BUCKETS = (10, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600, 7200, math.inf)  # The default.
OF_THE_SERVER = {"__name__", "instance", "job"}


def histograms(durations):
    """The classic series that they make."""
    series = {}
    for (repo_namespace, repo, status), seconds in durations.items():
        labels = {"registry": "acr", "repo_namespace": repo_namespace, "repo": repo,
                  "status": status}

        def put(suffix, value, **more):
            key = tuple(sorted({**labels, **more}.items()))
            series[("acr_build_duration_seconds_" + suffix, key)] = float(value)

        put("sum", sum(seconds))
        put("count", len(seconds))
        for bound in BUCKETS:
            le = "+Inf" if bound == math.inf else f"{bound:.1f}"
            put("bucket", sum(each <= bound for each in seconds), le=le)
    return series


def start_victoriametrics(test, config, folder):
    """Until the test ends; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        ["victoria-metrics", f"-promscrape.config={config}", f"-storageDataPath={folder}/victoria",
         f"-httpListenAddr={address}", "-memory.allowedBytes=256MB",
         "-search.latencyOffset=0s", "-search.disableCache"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    test.addCleanup(process.wait)
    test.addCleanup(process.kill)

    def ready():
        try:
            return http(f"http://{address}/health")[0] == 200
        except OSError:
            return False

    test.assertTrue(wait_for(ready, timeout=30), "VictoriaMetrics does not start")
    return address


class VictoriaMetrics(unittest.TestCase):
    def setUp(self):
        if not shutil.which("victoria-metrics"):
            if os.environ.get("CI") == "true":
                self.fail("victoria-metrics is not installed")
            self.skipTest("victoria-metrics is not installed")

    def test_counters_and_histograms_are_the_truth(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            world.configure()
            exporter = world.exporter()
            config = world.folder / "scrape.yml"
            config.write_text(CONFIG.format(target=exporter.address))
            address = start_victoriametrics(self, config, world.folder)

            def stored(selector):
                url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode(
                    {"query": selector})
                found = {}
                for result in json.loads(http(url)[2])["data"]["result"]:
                    labels = {key: value for key, value in result["metric"].items()
                              if key not in OF_THE_SERVER}
                    key = (result["metric"]["__name__"], tuple(sorted(labels.items())))
                    found[key] = float(result["value"][1])
                return found

            self.assertTrue(wait_for(lambda: stored("acr_builds_total"), timeout=30))
            world.control(speed=0)
            truth = world.truth()
            self.assertGreater(sum(truth.values()), 100)
            events = '{__name__=~"acr_builds_total|swr_retention_deletions_total"}'
            self.assertTrue(wait_for(lambda: not differences(stored(events), truth), timeout=60))
            expected = histograms(world.durations())
            self.assertGreater(len(expected), 100)

            def wrong():
                found = stored('{__name__=~"acr_build_duration_seconds_.+"}')
                return {key: (found.get(key), expected.get(key)) for key in found | expected
                        if not math.isclose(found.get(key, 0), expected.get(key, 0), abs_tol=1e-6)}

            wait_for(lambda: not wrong(), timeout=60)  # A series that is new shows 0 first.
            self.assertEqual(wrong(), {})


if __name__ == "__main__":
    unittest.main()
