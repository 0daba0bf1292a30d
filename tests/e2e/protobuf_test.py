"""Real Prometheus that asks for protobuf stores the values of the text format."""

import json
import unittest
import urllib.parse

from harness import World, http, parse, scrape, need_prometheus, start_prometheus, wait_for

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: registry_exporter
    static_configs: [{{targets: ["{target}"]}}]
"""
PROTOBUF = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
            "encoding=delimited")
OF_PROMETHEUS = {"__name__", "instance", "job"}


class Protobuf(unittest.TestCase):
    def setUp(self):
        need_prometheus(self)

    def test_prometheus_with_native_histograms_stores_what_the_text_shows(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            world.configure()
            exporter = world.exporter()
            config = world.folder / "prometheus.yml"
            config.write_text(CONFIG.format(target=exporter.address))
            address = start_prometheus(self, config, world.folder,
                                       "--enable-feature=native-histograms")

            def query(expression):
                url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode(
                    {"query": expression})
                return json.loads(http(url)[2])["data"]["result"]

            def stored():
                found = {}
                for result in query('{__name__=~"(acr|swr)_.+"}'):
                    labels = {key: value for key, value in result["metric"].items()
                              if key not in OF_PROMETHEUS}
                    name, key = result["metric"]["__name__"], tuple(sorted(labels.items()))
                    if "histogram" in result:  # A native one, instead of the classic one.
                        for part in ("count", "sum"):
                            found[(f"{name}_{part}", key)] = float(result["histogram"][1][part])
                    else:
                        found[(name, key)] = float(result["value"][1])
                return found

            def shown():
                # Windows pass while the world stands still.
                return {key: value for key, value in scrape(exporter).items()
                        if key[0].startswith(("acr_", "swr_")) and not key[0].endswith("_bucket")}

            self.assertTrue(wait_for(lambda: query("up == 1"), timeout=30))
            self.assertTrue(wait_for(
                lambda: query('registry_exporter_exposition_bytes{format="protobuf"} > 0'),
                timeout=30), "Prometheus was not answered in protobuf")
            world.control(speed=0)
            scrape(exporter)
            series = shown()
            self.assertTrue(any(name == "acr_build_duration_seconds_sum" for name, _ in series))
            self.assertGreater(len(series), 150)
            self.assertTrue(wait_for(lambda: stored() == shown(), timeout=30))

    def test_the_answer_says_what_it_is_and_can_be_chosen_from(self):
        with World() as world:
            world.simulator("--repositories=3")
            world.configure()
            exporter = world.exporter()
            scrape(exporter)
            status, headers, body = http(
                exporter.url + "/metrics?collect%5B%5D=acr_builds_total&registry=acr",
                headers={"Accept": PROTOBUF + ";escaping=allow-utf-8"})
            self.assertEqual(status, 200)
            self.assertEqual(headers["Content-Type"],
                             "application/vnd.google.protobuf; "
                             "proto=io.prometheus.client.MetricFamily; encoding=delimited; "
                             "escaping=underscores")
            self.assertIn(b"acr_builds_total", body)
            self.assertNotIn(b"acr_up", body)
            status, _, body = http(exporter.url + "/metrics?collect[]=acr_builds_total")
            self.assertEqual(status, 200)
            names = {name for name, _ in parse(body.decode())}
            self.assertEqual(names, {"acr_builds_total"})
            status, _, body = http(exporter.url + "/metrics?collect[]=acr_nothing")
            self.assertEqual((status, body), (400, b'400 unknown metric family "acr_nothing"\n'))


if __name__ == "__main__":
    unittest.main()
