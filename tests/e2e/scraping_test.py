"""docs/scraping.md: its configurations are valid, and do with real Prometheus what the page says."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.parse

from harness import World, counters, http, need_prometheus, scrape, start_prometheus, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "config/prometheus/rules"
PAGE = (ROOT / "docs/scraping.md").read_text()
PAIR, SHARDS, PODS, AGENT = re.findall(r"```yaml\n(# prometheus\.yml.*?)```", PAGE, re.S)


def configuration(text, targets, folder, replaced=()):
    """A configuration of the page, for these targets and in a hurry."""
    text = re.sub(r"(targets: )\['exporter[^\]]*\]", lambda found: found[1] + json.dumps(targets), text)
    for old, new in [("scrape_interval: 30s", "scrape_interval: 1s\n  evaluation_interval: 1s"), ("25s", "1s"), ("rules/*.yml", f"{RULES}/*.yml"), *replaced]:
        text = text.replace(old, new)
    file = pathlib.Path(tempfile.mkdtemp(dir=folder), "prometheus.yml")
    file.write_text(text)
    return file


def query(address, expression):
    url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    return json.loads(http(url)[2])["data"]["result"]


def stored(address):
    """The event counters as Prometheus has them, by name and the exporter's own labels."""
    found = {}
    for result in query(address, '{__name__=~"acr_builds_total|swr_retention_deletions_total"}'):
        labels = {key: value for key, value in result["metric"].items()
                  if key not in ("__name__", "instance", "job", "cluster", "replica")}
        key = (result["metric"]["__name__"], tuple(sorted(labels.items())))
        found[key] = found.get(key, 0) + float(result["value"][1])
    return found


class Scraping(unittest.TestCase):
    def setUp(self):
        need_prometheus(self)

    def test_every_configuration_of_the_page_is_valid(self):
        for block in (PAIR, SHARDS, PODS, AGENT):
            with tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder, "prometheus.yml")
                # Debian's Prometheus is built without this one.
                file.write_text(re.sub(r"kubernetes_sd_configs:\n +- .*", "static_configs: []", block))
                (pathlib.Path(folder) / "rules").symlink_to(RULES)
                agent = ["--agent"] if block is AGENT else []
                checked = subprocess.run(["promtool", "check", "config", *agent, file], check=False, capture_output=True,
                                         text=True)
                self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_a_pair_shares_collections_and_both_see_every_value(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            world.configure(min_interval="15s")
            exporter = world.exporter()
            pair = [start_prometheus(self, configuration(PAIR, [exporter.address], world.folder,
                                                         [("replica: a", f"replica: {name}")]),
                                     world.folder / name) for name in "ab"]
            for address in pair:
                self.assertTrue(wait_for(lambda at=address: query(at, "up == 1"), timeout=30))
            world.control(speed=0)
            shown = counters(scrape(exporter))
            self.assertGreater(sum(shown.values()), 0)
            for address in pair:
                self.assertTrue(wait_for(lambda at=address: stored(at) == counters(scrape(exporter)), timeout=60))

            # Two, each second: nearly all within min_interval of the last collection.
            def are_mostly_cached():
                count = {result["metric"]["result"]: float(result["value"][1])
                         for result in query(pair[0], "registry_exporter_scrapes_total")}
                return count["cached"] > 10 * count["complete"]
            self.assertTrue(wait_for(are_mostly_cached, timeout=60))

    def test_the_shards_of_one_job_add_up(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            world.configure()
            shards = [world.exporter(f"--shard={number}", "--total-shards=3", state=f"state{number}.db")
                      for number in range(3)]
            config = configuration(SHARDS, [each.address for each in shards], world.folder)
            address = start_prometheus(self, config, world.folder)
            self.assertTrue(wait_for(lambda: len(query(address, "up == 1")) == 3, timeout=30))
            world.control(speed=0)

            def sum_of_shards():
                found = {}
                for each in shards:
                    for key, value in counters(scrape(each)).items():
                        found[key] = found.get(key, 0) + value
                return found
            self.assertTrue(wait_for(lambda: stored(address) == sum_of_shards() != {}, timeout=60))
            # A rule that ran before the first scrape of all three leaves the alert pending until it runs again.
            self.assertTrue(wait_for(lambda: query(address, 'ALERTS{alertname="RegistryShardMissing"}') == [], timeout=30))
            shards[1].stop()
            self.assertTrue(wait_for(lambda: query(address, 'ALERTS{alertname="RegistryShardMissing"}'), timeout=60))

    def test_an_agent_sends_what_rules_elsewhere_need(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            world.configure()
            exporter = world.exporter()
            receiver = world.folder / "receiver.yml"
            receiver.write_text("global: {evaluation_interval: 1s}\n"
                                f"rule_files: ['{RULES}/*.yml']\n")
            central = start_prometheus(self, receiver, world.folder / "central", "--web.enable-remote-write-receiver")
            agent = configuration(AGENT, [exporter.address], world.folder, [("prometheus:9090", central)])
            start_prometheus(self, agent, world.folder / "agent", "--enable-feature=agent")
            self.assertTrue(wait_for(lambda: query(central, 'up{job="registry_exporter", cluster="prod"} == 1'), timeout=60))
            world.control(speed=0)
            self.assertTrue(wait_for(lambda: stored(central) == counters(scrape(exporter)) != {}, timeout=60))
            self.assertTrue(wait_for(lambda: query(central, "registry_repo_status:acr_builds:increase15m"), timeout=60))


if __name__ == "__main__":
    unittest.main()
