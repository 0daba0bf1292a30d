"""--backfill, real promtool and real Prometheus: the listed past and the live counters are one series."""

import json
import re
import subprocess
import time
import unittest
import urllib.parse

import harness
from harness import World, counters, differences, http, need_prometheus, scrape, wait_for

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: registry_exporter
    static_configs: [{{targets: ["{target}"]}}]
"""
RULES = """
groups:
  - name: history
    rules:
      - record: registry:acr_builds:increase1h
        expr: sum by (registry) (increase(acr_builds_total[1h]))
"""
SAMPLE = re.compile(r'(\w+)\{(.*)\} (\S+) (\S+)')


def backfill(world, *flags, state="state.db"):
    """(exit code, text, log)"""
    done = subprocess.run(
        [harness.EXPORTER, f"--config.file={world.folder}/registry_exporter.yml", "--backfill",
         f"--state.path={world.folder / state if state != ':memory:' else state}", *flags],
        capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


def samples(text):
    """{series: [(time, value), …]} in the order of the text."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value, at = SAMPLE.fullmatch(line).groups()
            key = (name, tuple(sorted(harness.LABEL.findall(labels))))
            found.setdefault(key, []).append((float(at), float(value)))
    return found


def without_target(labels):
    return tuple(sorted((key, value) for key, value in labels
                        if key not in ("__name__", "instance", "job")))


def totals(text):
    """What the counters stand at in the end, as truth() has it."""
    return counters({(name, without_target(labels)): points[-1][1]
                     for (name, labels), points in samples(text).items()})


class Backfill(unittest.TestCase):
    def compare(self, world, *flags):
        code, text, log = backfill(world, *flags, state=":memory:")
        self.assertEqual(code, 0, log)
        self.assertEqual(differences(totals(text), world.truth()), {})
        return text, log

    def test_the_text_is_the_whole_truth_in_order(self):
        with World() as world:
            world.simulator("--repositories=20", "--speed=0")
            world.configure()
            text, log = self.compare(world)
            self.assertTrue(text.endswith("\n# EOF\n"))
            heads = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
            self.assertEqual(heads, ["acr_builds", "acr_build_duration_seconds",
                                     "swr_retention_deletions"])
            for series, points in samples(text).items():
                times = [at for at, _ in points]
                values = [value for _, value in points]
                self.assertEqual(times, sorted(set(times)), series)
                self.assertEqual(values, sorted(values), series)
                self.assertEqual(values[0], 0, series)
            self.assertIn('whole_since="the beginning of each list"', log)

    def test_limits_lies_and_failures_of_the_clouds_lose_nothing(self):
        for settings in (("--order=asc",), ("--faults=mild,total:30",), ("--faults=loose:30,empty:3",)):
            with self.subTest(settings), World() as world:
                world.simulator("--repositories=10", "--speed=0", *settings)
                world.configure()
                self.compare(world)

    def test_what_can_not_be_read_is_told_and_ends_with_1(self):
        with World() as world:
            world.simulator("--repositories=4", "--speed=0", "--deny=ListRetentionHistories")
            world.configure()
            code, text, log = backfill(world, state=":memory:")
            self.assertEqual(code, 1)
            self.assertIn("a list could not be read to its end", log)
            self.assertIn("not everything could be read", log)
            acr = {key: value for key, value in world.truth().items() if key[0] == "acr_builds_total"}
            self.assertEqual(differences(totals(text), acr), {})
            self.assertTrue(text.endswith("\n# EOF\n"))

    def test_wrong_flags_end_with_2(self):
        with World() as world:
            world.simulator("--repositories=1", "--speed=0")
            world.configure()
            for flag, told in (("--backfill.label=repo=x", "is a label of the exporter"),
                               ("--backfill.label=__name__=x", "is a label of the exporter"),
                               ("--backfill.label=9=x", "does not begin with the name of a label"),
                               ("--backfill.label=job", "has no value"),
                               ("--backfill.step=0s", "is not a duration of 1s or more"),
                               ("--backfill.until=soon", "is no time")):
                code, text, log = backfill(world, flag)
                self.assertEqual((code, text), (2, ""), flag)
                self.assertIn(told, log)
            code, _, log = backfill(world, "--backfill.label=job=a", "--backfill.label=job=b")
            self.assertEqual(code, 2)
            self.assertIn("given twice", log)

    def test_until_cuts_and_labels_are_added(self):
        with World() as world:
            world.simulator("--repositories=5", "--speed=0")
            world.configure()
            whole = samples(backfill(world, state=":memory:")[1])
            middle = sorted(at for points in whole.values() for at, _ in points)[len(whole)]
            code, text, _ = backfill(world, f"--backfill.until={middle}", "--backfill.label=job=a b",
                                     "--backfill.label", 'instance="x"', state=":memory:")
            self.assertEqual(code, 0)
            cut = samples(text)
            self.assertLessEqual(max(at for points in cut.values() for at, _ in points), middle)
            for _, labels in cut:
                self.assertIn(("job", "a b"), labels)
                self.assertIn(("instance", r"\"x\""), labels)


class InPrometheus(unittest.TestCase):
    def setUp(self):
        need_prometheus(self)

    def promtool(self, *arguments):
        done = subprocess.run(["promtool", "tsdb", "create-blocks-from", *map(str, arguments)],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout + done.stderr

    def query(self, expression, at):
        url = f"http://{self.address}/api/v1/query?" + urllib.parse.urlencode(
            {"query": expression, "time": at})
        return json.loads(http(url)[2])["data"]["result"]

    def increases(self, at, seconds):
        """By series, as truth() has them."""
        found = {}
        for name in harness.COUNTERS:
            for result in self.query(f"increase({name}[{seconds}s])", at):
                key = (name, without_target(result["metric"].items()))
                self.assertNotIn(key, found)
                found[key] = float(round(float(result["value"][1])))
        return found

    def test_past_and_present_are_one_series(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            world.configure(initial_history="baseline")
            exporter = world.exporter()
            config = world.folder / "prometheus.yml"
            config.write_text(CONFIG.format(target=exporter.address))
            self.address = harness.start_prometheus(self, config, world.folder)
            self.assertTrue(wait_for(lambda: self.query("up == 1", time.time())))
            self.assertTrue(wait_for(lambda: not self.query(
                'sum(registry_exporter_repositories{state="pending"}) > 0', time.time())))
            # While the exporter runs, and goes on counting.
            before = (world.folder / "state.db.lock").read_bytes()
            code, text, log = backfill(world, "--backfill.label=job=registry_exporter",
                                       f"--backfill.label=instance={exporter.address}")
            self.assertEqual(code, 0, log)
            self.assertEqual((world.folder / "state.db.lock").read_bytes()[:8], before[:8])
            began = scrape(exporter)[("registry_exporter_state_created_timestamp_seconds", ())]
            ends = {points[-1][0] for points in samples(text).values()}
            self.assertEqual(ends, {began})
            (world.folder / "past.om").write_text(text)
            self.assertEqual(self.promtool("openmetrics", "-q", world.folder / "past.om",
                                           world.folder / "tsdb"), "")
            listed = int(time.time() - min(points[0][0] for points in samples(text).values())) + 60
            # The listed window alone.
            self.assertTrue(wait_for(
                lambda: self.increases(began, listed) and
                not differences(self.increases(began, listed), totals(text)), timeout=120, pause=1),
                list(differences(self.increases(began, listed), totals(text)).items())[:5])
            # Across the seam.
            time.sleep(3)
            world.control(speed=0)
            harness_truth = world.truth()
            self.assertGreater(sum(harness_truth.values()), sum(totals(text).values()))

            def left():
                now = time.time()
                return differences(self.increases(now, listed + int(now - began)), harness_truth)

            self.assertTrue(wait_for(lambda: not left(), timeout=60, pause=1),
                            list(left().items())[:5])
            self.fill_rules(world, began - listed, began)

    def fill_rules(self, world, start, end):
        rules = world.folder / "rules.yml"
        rules.write_text(RULES)
        self.promtool("rules", f"--url=http://{self.address}", f"--start={int(start)}",
                      f"--end={int(end)}", "--eval-interval=5m",
                      f"--output-dir={world.folder}/tsdb", rules)
        self.assertTrue(wait_for(
            lambda: self.query(f"max_over_time(registry:acr_builds:increase1h[{int(end - start)}s]) > 0",
                               end), timeout=120, pause=1))


if __name__ == "__main__":
    unittest.main()
