"""The exporter under a path, and Prometheus that finds its targets by itself."""

import json
import subprocess
import unittest
import urllib.parse

from harness import EXPORTER, World, http, need_prometheus, start_prometheus, wait_for

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: registry_exporter
    http_sd_configs: [{{url: "{url}/api/v1/targets", refresh_interval: 1s}}]
"""


class Site(unittest.TestCase):
    def test_every_path_is_under_the_prefix(self):
        with World() as world:
            world.simulator("--repositories=3")
            world.configure()
            exporter = world.exporter("--web.route-prefix=/team/exporter/")
            url = exporter.url + "/team/exporter"
            for path in ("/", "/metrics", "/status", "/-/healthy", "/-/ready"):
                self.assertEqual(http(url + path)[0], 200, path)
            self.assertEqual(http(url + "/-/reload", "POST")[0], 200)
            for path in ("/metrics", "/-/healthy", "/status"):
                self.assertEqual(http(exporter.url + path)[0], 404, path)
            self.assertIn(b"Registries", http(exporter.url + "/")[2])  # Followed to the start page.
            self.assertIn(b"Registries", http(url)[2])

    def test_mistakes_end_with_2_and_say_what_to_change(self):
        for flag, told in (("--web.external-url=example.com/x", "must be https://host"),
                           ("--web.external-url=https://a/?b", "must be a plain path"),
                           ("--web.route-prefix=/a b", "must be a plain path")):
            ended = subprocess.run([EXPORTER, flag], text=True, capture_output=True)
            self.assertEqual(ended.returncode, 2)
            self.assertIn(f"{flag.partition('=')[0]}: ", ended.stderr.splitlines()[0])
            self.assertIn(told, ended.stderr.splitlines()[0])

    def test_targets_carry_the_external_url(self):
        with World() as world:
            world.simulator("--repositories=3")
            world.configure()
            exporter = world.exporter("--web.external-url=https://example.com/e/",
                                      "--web.route-prefix=/", "--web.telemetry-path=/m")
            _, headers, body = http(exporter.url + "/api/v1/targets")
            self.assertEqual(headers["Content-Type"], "application/json")
            self.assertEqual(json.loads(body), [
                {"targets": ["example.com:443"],
                 "labels": {"__metrics_path__": "/e/m", "__param_registry": name,
                            "instance": f"example.com:443/{name}", "__scheme__": "https"}}
                for name in ("acr", "swr")])


class Discovery(unittest.TestCase):
    def setUp(self):
        need_prometheus(self)

    def test_prometheus_finds_one_target_for_each_registry(self):
        with World() as world:
            world.simulator("--repositories=5")
            world.configure()
            exporter = world.exporter("--web.route-prefix=/x")
            config = world.folder / "prometheus.yml"
            config.write_text(CONFIG.format(url=exporter.url + "/x"))
            checked = subprocess.run(["promtool", "check", "config", config], capture_output=True)
            self.assertEqual(checked.returncode, 0, checked.stderr)
            address = start_prometheus(self, config, world.folder)

            def ups():
                url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode(
                    {"query": "acr_up == 1 or swr_up == 1 or up"})
                results = json.loads(http(url)[2])["data"]["result"]
                return {(result["metric"]["__name__"], result["metric"].get("registry"),
                         result["metric"]["instance"]): result["value"][1] for result in results}

            expected = {}
            for registry in ("acr", "swr"):
                instance = f"{exporter.address}/{registry}"
                expected[("up", None, instance)] = "1"
                expected[(f"{registry}_up", registry, instance)] = "1"
            self.assertTrue(wait_for(lambda: ups() == expected, timeout=40), ups())

            # A registry that is added by a reload is a target by itself.
            text = (world.folder / "registry_exporter.yml").read_text()
            second = text[text.index("  - name: swr"):].replace("name: swr", "name: swr-2", 1)
            (world.folder / "registry_exporter.yml").write_text(text + second)
            self.assertEqual(http(exporter.url + "/x/-/reload", "POST")[0], 200)
            added = ("swr_up", "swr-2", f"{exporter.address}/swr-2")
            self.assertTrue(wait_for(lambda: ups().get(added) == "1", timeout=40), ups())


if __name__ == "__main__":
    unittest.main()
