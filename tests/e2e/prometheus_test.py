"""Real Prometheus scrapes the real exporter: targets are up and the values arrive."""

import json
import unittest
import urllib.parse

from harness import World, counters, http, scrape, need_prometheus, start_prometheus, wait_for

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: registry_exporter
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus(unittest.TestCase):
    def setUp(self):
        need_prometheus(self)

    def test_targets_are_up_and_values_are_equal(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            world.configure()
            exporter = world.exporter()
            config = world.folder / "prometheus.yml"
            config.write_text(CONFIG.format(target=exporter.address))
            address = start_prometheus(self, config, world.folder)

            def query(expression):
                url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode(
                    {"query": expression})
                return json.loads(http(url)[2])["data"]["result"]

            self.assertTrue(wait_for(lambda: query("up == 1"), timeout=30))
            world.control(speed=0)
            scrape(exporter)
            shown = counters(scrape(exporter))
            self.assertGreater(sum(shown.values()), 100)

            def stored():
                found = {}
                for result in query('{__name__=~"acr_builds_total|swr_retention_deletions_total"}'):
                    labels = {key: value for key, value in result["metric"].items()
                              if key not in ("__name__", "instance", "job")}
                    key = (result["metric"]["__name__"], tuple(sorted(labels.items())))
                    found[key] = float(result["value"][1])
                return found

            self.assertTrue(wait_for(lambda: stored() == counters(scrape(exporter)), timeout=30))


if __name__ == "__main__":
    unittest.main()
