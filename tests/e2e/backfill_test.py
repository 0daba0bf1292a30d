"""--backfill, real promtool and real Prometheus: the listed past and the live counters are one series."""

import calendar
import json
import re
import subprocess
import time
import unittest
import urllib.parse

import harness
import swr_ee_test
import syncs_test
from harness import World, differences, http, need_prometheus, scrape, wait_for

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
# What is counted of a registry, by what is collected of it.
COUNTED = {
    ("acr", "builds"): ("acr_builds_total",),
    ("acr", "syncs"): ("acr_syncs_total",),
    ("swr", "deletions"): ("swr_retention_deletions_total",),
    ("swr", "syncs"): ("swr_syncs_total",),
    ("ee", "retentions"): ("swr_retention_executions_total", "swr_retention_deletions_total"),
    ("ee", "replications"): ("swr_replication_executions_total", "swr_replicated_artifacts_total"),
}
COUNTERS = sorted({name for names in COUNTED.values() for name in names})
EVERYTHING = {"acr": "[builds, syncs]", "swr": "[deletions, syncs]",
              "ee": "[retentions, replications]"}


def configure(world, collect=None, **settings):
    """A registry of each type, with all that can be collected of it, or what is said."""
    collect = collect or EVERYTHING
    path = world.configure(acr_collect=collect["acr"], swr_collect=collect["swr"], **settings)
    enterprise = swr_ee_test.CONFIG.partition("registries:\n")[2]
    if collect["ee"]:
        path.write_text(path.read_text() +
                        enterprise.format(endpoint=world.sim.url, collect=collect["ee"]))


def truth_of(world, collect=None):
    """What an exporter with such a configuration would have counted of all that ever was."""
    truth = {key: value for key, value in world.truth().items() if value}
    for cloud in ("acr", "swr"):
        for (repo_namespace, repo, status), count in syncs_test.truth_of(world, cloud).items():
            labels = {"registry": cloud, "repo_namespace": repo_namespace, "repo": repo,
                      "status": status}
            truth[(f"{cloud}_syncs_total", tuple(sorted(labels.items())))] = count
    truth.update(swr_ee_test.truth_of(world))
    wanted = {(registry, name) for (registry, what), names in COUNTED.items() for name in names
              if what in ((collect or EVERYTHING)[registry] or "")}
    return {(name, labels): value for (name, labels), value in truth.items()
            if (dict(labels)["registry"], name) in wanted}


def counters(series):
    return {key: value for key, value in series.items() if key[0] in COUNTERS}


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


def ends(text):
    """What all series stand at in the end."""
    return {(name, without_target(labels)): points[-1][1]
            for (name, labels), points in samples(text).items()}


def totals(text):
    """What the counters stand at in the end, as truth_of() has it."""
    return counters(ends(text))


def by_family(series):
    return {family: sum(value for (name, _), value in series.items() if name == family)
            for family in COUNTERS}


def fields_of(line):
    """Of a line of the log."""
    return {name: quoted or plain
            for name, quoted, plain in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))', line)}


def heads(text):
    return [line for line in text.splitlines() if line.startswith(("# HELP", "# TYPE", "# UNIT"))]


def pending(exporter):
    """How many repositories have not been read."""
    return sum(value for (name, labels), value in scrape(exporter).items()
               if name == "registry_exporter_repositories" and ("state", "pending") in labels)


def across(exporter, text, truth):
    """Where the past and the live counters together are not the truth."""
    past, live = totals(text), counters(scrape(exporter))
    both = {key: past.get(key, 0) + live.get(key, 0) for key in past.keys() | live}
    return differences(both, truth)


def of_api(series):
    """How much is counted of the repositories with this name."""
    return sum(value for (_, labels), value in series.items() if dict(labels).get("repo") == "api")


class Backfill(unittest.TestCase):
    def compare(self, world, collect=None):
        code, text, log = backfill(world, state=":memory:")
        self.assertEqual(code, 0, log)
        self.assertEqual(differences(totals(text), truth_of(world, collect)), {})
        return text, log

    def test_the_text_is_the_whole_truth_in_order(self):
        with World() as world:
            world.simulator("--repositories=8", "--speed=0")
            configure(world)
            text, log = self.compare(world)
            self.assertTrue(text.endswith("\n# EOF\n"))
            for name, total in by_family(totals(text)).items():
                self.assertGreater(total, 10, name)
            for series, points in samples(text).items():
                times = [at for at, _ in points]
                values = [value for _, value in points]
                self.assertEqual(times, sorted(set(times)), series)
                self.assertEqual(values, sorted(values), series)
                self.assertEqual(values[0], 0, series)
            self.assertIn('whole_since="the beginning of each list"', log)

    def test_families_labels_and_values_are_those_of_live_series(self):
        with World() as world:
            world.simulator("--repositories=6", "--speed=0")
            configure(world, initial_history="count")
            text, _ = self.compare(world)
            exporter = world.exporter()
            past = {key: value for key, value in ends(text).items() if value}
            names = {name for name, _ in past}

            def live():
                return {key: value for key, value in scrape(exporter).items()
                        if key[0] in names and value}

            self.assertTrue(wait_for(lambda: live() == past, timeout=60), "differ")
            shown = http(exporter.url + "/metrics",
                         headers={"Accept": "application/openmetrics-text"})[2].decode()
            told = heads(text)
            self.assertEqual(told, [line for line in heads(shown) if line in told])
            types = [line for line in told if line.startswith("# TYPE")]
            self.assertEqual(len(types), len(COUNTERS) + 5, types)  # And the histograms.

    def test_of_each_registry_there_is_what_is_collected(self):
        for acr, swr, enterprise in (("[builds]", "[syncs]", "[retentions]"),
                                     ("[syncs]", "[deletions]", "[replications]")):
            with self.subTest(acr=acr, swr=swr, ee=enterprise), World() as world:
                world.simulator("--repositories=10", "--speed=0")
                collect = {"acr": acr, "swr": swr, "ee": enterprise}
                configure(world, collect)
                self.compare(world, collect)

    def test_limits_lies_and_failures_of_the_clouds_lose_nothing(self):
        # A list that is said to be empty twice in a row is believed: not with so many lists.
        builds = {"acr": "[builds]", "swr": "[deletions]", "ee": None}
        for collect, settings in ((EVERYTHING, ("--order=asc",)),
                                  (EVERYTHING, ("--faults=mild,total:30",)),
                                  (EVERYTHING, ("--faults=loose:30",)),
                                  (builds, ("--faults=loose:30,empty:3",))):
            with self.subTest(settings), World() as world:
                world.simulator("--repositories=10", "--speed=0", *settings)
                configure(world, collect)
                self.compare(world, collect)

    def test_what_is_listed_after_the_list_was_read_is_live_however_early_it_ended(self):
        with World() as world:
            # At this speed the clouds list ends that are up to an hour too early.
            world.simulator("--repositories=10", "--speed=60")
            configure(world, initial_history="baseline")
            exporter = world.exporter()
            self.assertTrue(wait_for(lambda: not pending(exporter)))
            exporter.stop()
            read_last = by_family(truth_of(world))
            self.assertTrue(wait_for(lambda: all(
                total > read_last[name] for name, total in by_family(truth_of(world)).items())))
            world.control(speed=0)
            code, text, log = backfill(world)
            self.assertEqual(code, 0, log)
            began = max(points[-1][0] for points in samples(text).values())
            by_time = by_family(totals(backfill(world, f"--backfill.until={began}")[1]))
            self.assertTrue(all(by_time[name] > total
                                for name, total in by_family(totals(text)).items()))
            exporter = world.exporter()
            self.assertTrue(wait_for(lambda: not across(exporter, text, truth_of(world))),
                            across(exporter, text, truth_of(world)))

    def test_what_the_configuration_left_out_for_a_while_is_past(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            collect = {"acr": "[builds]", "swr": "[deletions]", "ee": None}
            configure(world, collect, initial_history="baseline")
            path = world.folder / "registry_exporter.yml"
            everything = path.read_text()
            for filters in ("", "    repositories: {exclude: ['.*/api']}\n"):
                path.write_text(everything.replace("    page_size:", filters + "    page_size:"))
                exporter = world.exporter()
                self.assertTrue(wait_for(lambda: not pending(exporter)))
                exporter.stop()
            path.write_text(everything)
            before = of_api(truth_of(world, collect))
            self.assertTrue(wait_for(lambda: of_api(truth_of(world, collect)) > before + 5))
            world.control(speed=0)
            code, text, log = backfill(world)
            self.assertEqual(code, 0, log)
            self.assertIn("the exporter has not read all lists once", log)
            exporter = world.exporter()
            self.assertTrue(wait_for(lambda: not across(exporter, text, truth_of(world, collect))),
                            across(exporter, text, truth_of(world, collect)))

    def test_the_history_that_is_counted_is_the_past_also_where_its_ids_are_forgotten(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=0")
            configure(world, initial_history="count")
            path = world.folder / "registry_exporter.yml"
            short = path.read_text().replace("collection:\n", "collection:\n  lookback: 1h\n")
            path.write_text(short + "metrics:\n  windows: [1h]\n")
            exporter = world.exporter()

            def swept():
                return sum(value for (name, labels), value in scrape(exporter).items()
                           if name == "registry_exporter_sweeps_total")

            self.assertTrue(wait_for(lambda: not pending(exporter)))
            begun = swept()
            self.assertTrue(wait_for(lambda: swept() > begun + 150))  # Each list several times.
            code, text, log = backfill(world)
            self.assertEqual(code, 0, log)
            self.assertEqual(differences(totals(text), counters(scrape(exporter))), {})

    def test_records_without_any_time_are_left_out_where_nothing_tells_when(self):
        with World() as world:
            world.simulator("--repositories=2", "--speed=0", "--replication-times=no")
            collect = {"acr": "[builds]", "swr": "[deletions]", "ee": "[replications]"}
            configure(world, collect)
            until = int(time.time()) + 3600
            code, text, log = backfill(world, f"--backfill.until={until}", state=":memory:")
            self.assertEqual((code, differences(totals(text), truth_of(world, collect))), (0, {}))
            code, text, log = backfill(world, f"--backfill.until={until - 3660}", state=":memory:")
            self.assertEqual(code, 1)
            self.assertIn("backfill: records without any time are left out", log)
            self.assertIn("list=replications", log)

    def test_what_can_not_be_read_is_told_and_ends_with_1(self):
        list_lost = "backfill: a list could not be read to its end"
        for denied, told, lost in (
                (("ListRetentionHistories", "ListInstanceRetentionPolicyExecTasks",
                  "ListInstanceReplicationPolicyExecutions"),
                 {("swr", "deletions", list_lost), ("ee", "replications", list_lost),
                  ("ee", "retentions", "backfill: the details of some records could not be read")},
                 {("swr", "swr_retention_deletions_total"), ("ee", "swr_retention_deletions_total"),
                  *(("ee", name) for name in COUNTED[("ee", "replications")])}),
                (("ListInstanceRetentionPolicies",),
                 {("ee", None, "backfill: not all repositories could be listed")},
                 {("ee", name) for name in COUNTED[("ee", "retentions")]})):
            with self.subTest(denied), World() as world:
                world.simulator("--repositories=4", "--speed=0", f"--deny={','.join(denied)}")
                configure(world)
                code, text, log = backfill(world, state=":memory:")
                self.assertEqual(code, 1)
                self.assertEqual({(fields["registry"], fields.get("list"), fields["msg"])
                                  for fields in map(fields_of, log.splitlines())
                                  if fields.get("level") == "warn"}, told)
                self.assertIn("not everything could be read", log)
                left = {(name, labels): value for (name, labels), value in truth_of(world).items()
                        if (dict(labels)["registry"], name) not in lost}
                self.assertEqual(differences(totals(text), left), {})
                self.assertTrue(text.endswith("\n# EOF\n"))
                if "ListInstanceRetentionPolicyExecTasks" in denied:
                    self.times_are_told(text, log)

    def times_are_told(self, text, log):
        """What is missing of executions began before the newest of them ended."""
        newest = max(at for (name, labels), points in samples(text).items()
                     for at, _ in points[:-1] if name == "swr_retention_executions_total")
        told = [fields for fields in map(fields_of, log.splitlines())
                if fields.get("list") == "retentions"]
        self.assertTrue(told)
        for fields in told:
            since = calendar.timegm(time.strptime(fields["whole_since"][:19], "%Y-%m-%dT%H:%M:%S"))
            self.assertLess(since, newest)
            self.assertGreater(since, newest - 30 * 86400)

    def test_a_state_that_is_not_there_is_told(self):
        with World() as world:
            world.simulator("--repositories=2", "--speed=0")
            configure(world)
            told = "the state does not know the registry: its past ends now"
            code, _, log = backfill(world, state="elsewhere/state.db")
            self.assertEqual(code, 0, log)
            lines = [fields_of(line) for line in log.splitlines() if told in line]
            self.assertEqual({line["registry"] for line in lines}, {"acr", "swr", "ee"}, log)
            for line in lines:
                self.assertEqual(line["state"], f"{world.folder}/elsewhere/state.db")
            for quiet in (backfill(world, state=":memory:"),
                          backfill(world, "--backfill.until=2099-01-01T00:00:00Z")):
                self.assertNotIn(told, quiet[2])

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
            configure(world)
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
        for name in COUNTERS:
            for result in self.query(f"increase({name}[{seconds}s])", at):
                key = (name, without_target(result["metric"].items()))
                self.assertNotIn(key, found)
                found[key] = float(round(float(result["value"][1])))
        return found

    def test_past_and_present_are_one_series(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            configure(world, initial_history="baseline")
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
            truth = truth_of(world)
            past = by_family(totals(text))
            for name, total in by_family(truth).items():  # Each has a past and a present.
                self.assertGreater(past[name], 0, name)
                self.assertGreater(total, past[name], name)

            def left():
                now = time.time()
                return differences(self.increases(now, listed + int(now - began)), truth)

            self.assertTrue(wait_for(lambda: not left(), timeout=60, pause=1),
                            list(left().items())[:5])
            self.fill_rules(world, began - listed, began)

    def fill_rules(self, world, start, end):
        rules = world.folder / "rules.yml"
        rules.write_text(RULES)
        apart = world.folder / "rules"
        self.promtool("rules", f"--url=http://{self.address}", f"--start={int(start)}",
                      f"--end={int(end)}", "--eval-interval=5m", f"--output-dir={apart}/tsdb", rules)
        # One that starts does not take a minute to look for new blocks.
        self.address = harness.start_prometheus(self, world.folder / "prometheus.yml", apart)
        self.assertTrue(wait_for(
            lambda: self.query(f"max_over_time(registry:acr_builds:increase1h[{int(end - start)}s]) > 0",
                               end), timeout=60, pause=1))


if __name__ == "__main__":
    unittest.main()
