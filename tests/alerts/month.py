"""Judges the shipped alerts over simulated months: `./run alerts [--seeds A..B] [--days N] [--repositories N]`.

alert_month lets the real exporter live through a month with known incidents. Its scrapes become blocks of a real
Prometheus, promtool backfills the recording rules, and each alert's expression is asked for at every scrape of the
month, with its `for` applied. What fired is held against what happened: recall, false alerts, delay in scrapes.
Exit 1 where a failed build or a spike was missed, or false alerts are more than one per week and 1,000 repositories.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from demo import DIRECTLY, ROOT, wait_for_port  # noqa: E402
from stack import address  # noqa: E402
from happened import EXPECTED, TOLERATED, seen_at  # noqa: E402

RULES = ROOT / "config/prometheus/rules"
MINUTE, HOUR, DAY = 60, 3600, 86400
UNITS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}


def seconds(text):
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", text or "0s"))


# --- a month, in a real Prometheus -------------------------------------------------------------------------

class Prometheus:
    def __init__(self, folder, *flags):
        self.folder, self.flags, self.at, self.process = folder, flags, address(0), None

    def __enter__(self):
        config = self.folder / "empty.yml"
        config.write_text("global: {}\n")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'blocks'}",
             f"--web.listen-address={self.at}", "--storage.tsdb.retention.time=90y", "--query.timeout=10m",
             "--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h", *self.flags],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.at, self.process)
        while True:
            try:
                DIRECTLY.open(f"http://{self.at}/-/ready", timeout=10).close()
                return self
            except OSError:
                time.sleep(0.1)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def range(self, expression, begin, end, step):
        """{labels: [(time, value)]} every `step`, where there is a value."""
        found = collections.defaultdict(list)
        begin = begin // step * step
        for start in range(int(begin), int(end), 6 * DAY):
            fields = {"query": expression, "start": start, "end": min(start + 6 * DAY - step, end), "step": step}
            with DIRECTLY.open(f"http://{self.at}/api/v1/query_range",
                               urllib.parse.urlencode(fields).encode(), timeout=600) as answer:
                for series in json.load(answer)["data"]["result"]:
                    labels = frozenset(series["metric"].items())
                    found[labels].extend(map(tuple, series["values"]))
        return found


def promtool(*arguments):
    subprocess.run(["promtool", "tsdb", "create-blocks-from", *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read_groups(name):
    return yaml.safe_load((RULES / f"{name}.yml").read_text())["groups"]


class Rules:
    """The shipped rules for questions about the past: thresholds put in, and recorded series too where an
    expression of the moment does as well. What has an interval of its own has to be recorded."""

    def __init__(self):
        self.thresholds = {rule["labels"]["name"]: rule["expr"].removeprefix("vector")
                           for group in read_groups("thresholds") for rule in group["rules"]}
        self.recorded, self.inlined = {}, {}
        for group in read_groups("recording"):
            for rule in group["rules"]:
                if "interval" in group:
                    self.recorded[rule["record"]] = (rule["expr"], seconds(group["interval"]))
                else:
                    self.inlined[rule["record"]] = rule["expr"]
        self.alerts = [(rule["alert"], self.inline(rule["expr"]), seconds(rule.get("for")))
                       for group in read_groups("alerts") for rule in group["rules"]]

    def inline(self, expression):
        def put_in(found):
            """The expression of a name, its conditions at the series that it reads."""
            name, conditions = found.groups()
            return "(" + re.sub(r"(\w+)\[", rf"\1{conditions or ''}[", self.inlined[name]) + ")"
        for _ in range(3):
            for name in self.inlined:
                expression = re.sub(f"({re.escape(name)})(?![\\w:])(\\{{[^}}]*\\}})?", put_in, expression)
        for name, value in self.thresholds.items():
            selector = f'registry_exporter:threshold{{name="{name}"}}'
            expression = expression.replace(f"scalar({selector})", value)
            expression = expression.replace(selector, f"vector{value}")
        return expression

    def samples(self):
        """The names that the exporter gives to what the rules read."""
        text = " ".join((RULES / f"{name}.yml").read_text() for name in ("recording", "alerts"))
        return sorted(set(re.findall(r"\b(?:acr|swr|registry_exporter)_\w+", text)) | {"up"})


def record(folder, truth, rules):
    """Recorded series of the whole month, as blocks; those that read recorded ones come after these."""
    waiting = dict(rules.recorded)
    while waiting:
        files = collections.defaultdict(list)
        chosen = {name: rule for name, rule in waiting.items() if not any(other in rule[0] for other in waiting)}
        assert chosen, f"rules in a circle: {sorted(waiting)}"
        waiting = {name: rule for name, rule in waiting.items() if name not in chosen}
        with Prometheus(folder) as prometheus, concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = pool.map(lambda rule: prometheus.range(rules.inline(rule[0]), truth["begin"], truth["end"], rule[1]),
                               chosen.values())
            for name, answer in zip(chosen, answers):
                for labels, values in answer.items():
                    text = ",".join(f'{key}="{value}"' for key, value in labels if key != "__name__")
                    for moment, value in values:
                        files[moment // (2 * HOUR)].append(f"{name}{{{text}}} {value} {moment}\n")
        write_blocks(folder, files)


def write_blocks(folder, files):
    def write(number):
        file = folder / f"recorded{number}.om"
        file.write_text("".join(files[number]) + "# EOF\n")
        promtool("openmetrics", "-q", file, folder / "blocks")
        file.unlink()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(write, files))


def live_through(folder, binary, arguments, seed):
    subprocess.run([binary, "--seed", str(seed), "--days", str(arguments.days), "--repositories",
                    str(arguments.repositories), "--scrape-seconds", str(arguments.scrape_seconds), "--folder", folder,
                    "--only", ",".join(Rules().samples())],
                   check=True, stderr=subprocess.DEVNULL)


def load(folder):
    """The scrapes as blocks, and what the recording rules make of them."""
    truth = json.loads((folder / "truth.json").read_text())
    for file in sorted((folder / "scrapes").glob("*.om")):
        promtool("openmetrics", "-q", file, folder / "blocks")
        file.unlink()
    record(folder, truth, Rules())
    return truth


Episode = collections.namedtuple("Episode", "alert labels begin end")


def episodes(alert, labels, times, wait, step):
    """When the alert fires: its condition has held for `wait` without a break."""
    begin = None
    for i, now in enumerate(times):
        begin = now if begin is None else begin
        last = i + 1 == len(times) or times[i + 1] - now > step
        if last:
            if now - begin >= wait:
                yield Episode(alert, labels, begin + wait, now)
            begin = None


def fired(folder, truth, chosen):
    found, step = [], truth["scrape_interval"]
    alerts = [each for each in Rules().alerts
              if chosen(each[0]) and ("absent(" not in each[1] or each[0] == "RegistryExporterDown")]
    with Prometheus(folder) as prometheus, concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda each: prometheus.range(each[1], truth["begin"] + HOUR, truth["end"], step), alerts)
        for (alert, _, wait), answer in zip(alerts, answers):
            for labels, values in answer.items():
                found.extend(episodes(alert, dict(labels), [moment for moment, _ in values], wait, step))
    return found


# --- what fired, against what happened ----------------------------------------------------------------------

def where(labels, event):
    """Whether the alert speaks of the event's place."""
    own = labels.get("policy") or labels.get("repo_namespace", "")
    if "/" in event.where:
        own += "/" + labels.get("repo", "")
    return event.where in ("", own)


Verdict = collections.namedtuple("Verdict", "happened found firing false delays missed wrong")


def judge(truth, alert, all_episodes):
    happened, slack = EXPECTED.get(alert, (lambda _: [], 0))
    begin, end = truth["begin"] + 2 * HOUR, truth["end"] - HOUR
    # What was over before it could be seen for long enough is nobody's fault.
    needed = max([wait for name, _, wait in Rules().alerts if name == alert] or [0]) + 2 * truth["scrape_interval"]
    events = [event for event in happened(truth) if begin < event.begin < end and
              (event.begin == event.end or event.end - seen_at(truth, event.begin) >= needed)]
    own = [each for each in all_episodes if each.alert == alert]
    by_place = collections.defaultdict(list)
    for each in own:
        by_place[each.labels.get("repo_namespace", "") + "/" + each.labels.get("repo", "")].append(each)
    found, delays, missed = 0, [], []
    for event in events:
        last = seen_at(truth, event.end) + max(slack, 10 * MINUTE)
        nearby = by_place[event.where] if "/" in event.where else own
        hits = [each for each in nearby if where(each.labels, event) and each.begin <= last and each.end >= event.begin]
        if not hits:
            missed.append(event)
            continue
        found += 1
        first = min(each.begin for each in hits)
        if first >= event.begin and seen_at(truth, event.begin) == event.begin:
            delays.append((first - event.begin) / truth["scrape_interval"])
    reasons = list(happened(truth)) + list(TOLERATED.get(alert, lambda _: [])(truth))
    by_where = collections.defaultdict(list)
    for event in reasons:
        by_where[event.where].append(event)
    wrong = []
    for each in own:
        place = each.labels.get("policy") or each.labels.get("repo_namespace", "")
        near = by_where[""] + by_where[place] + by_where[place + "/" + each.labels.get("repo", "")]
        if not any(event.begin - 2 * truth["scrape_interval"] <= each.end and each.begin <= seen_at(truth, event.end) + max(slack, 20 * MINUTE)
                   for event in near):
            wrong.append(each)
    return Verdict(len(events), found, len(own), len(wrong), delays, missed, wrong)


# --- the table ---------------------------------------------------------------------------------------------

def add(verdicts):
    return Verdict(*(sum(each) for each in list(zip(*verdicts))[:4]), *(sum(each, []) for each in list(zip(*verdicts))[4:]))


def print_table(table, thousands_of_weeks):
    print(f"{'alert':38}{'happened':>9}{'found':>7}{'recall':>8}{'fired':>7}{'false':>7}{'precision':>10}"
          f"{'false/week/1000':>17}{'delay in scrapes':>20}")
    for alert, verdict in table.items():
        recall = f"{verdict.found / verdict.happened:.3f}" if verdict.happened else "-"
        precision = f"{1 - verdict.false / verdict.firing:.3f}" if verdict.firing else "-"
        delay = "-"
        if verdict.delays:
            ordered = sorted(verdict.delays)
            delay = f"{statistics.median(ordered):.1f}, 95 % {ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]:.1f}"
        print(f"{alert:38}{verdict.happened:9}{verdict.found:7}{recall:>8}{verdict.firing:7}{verdict.false:7}"
              f"{precision:>10}{verdict.false / thousands_of_weeks:17.2f}{delay:>20}")


def main():
    parser = argparse.ArgumentParser(prog="./run alerts")
    parser.add_argument("--build", default="build")
    parser.add_argument("--seeds", default="1..1", help="A..B: so many months")
    parser.add_argument("--days", default=30, type=int)
    parser.add_argument("--repositories", default=60, type=int, help="of each cloud")
    parser.add_argument("--scrape-seconds", default=120, type=int)
    parser.add_argument("--folder", help="a month that was lived through before; nothing is deleted")
    parser.add_argument("--keep", help="keep the months in this folder")
    parser.add_argument("--alerts", default="", help="a regular expression: only those whose name matches")
    parser.add_argument("-v", action="store_true", help="name what was missed and what was false")
    arguments = parser.parse_args()
    first, last = map(int, arguments.seeds.split(".."))

    def chosen(alert):
        return re.search(arguments.alerts, alert)
    all_verdicts, thousands_of_weeks = collections.defaultdict(list), 0
    for seed in range(first, last + 1):
        folder = pathlib.Path(arguments.folder or arguments.keep or tempfile.mkdtemp(prefix="registry_exporter_month."))
        folder = folder / str(seed) if arguments.keep else folder
        try:
            if not arguments.folder:
                live_through(folder, ROOT / arguments.build / "alert_month", arguments, seed)
            truth = json.loads((folder / "truth.json").read_text()) if (folder / "blocks").exists() else load(folder)
            found = fired(folder, truth, chosen)
        finally:
            if not arguments.folder and not arguments.keep:
                shutil.rmtree(folder, ignore_errors=True)
        weeks = (truth["end"] - truth["begin"]) / (7 * DAY)
        thousands_of_weeks += weeks * (len(truth["acr"]) + len(truth["swr"])) / 1000
        for alert in [*filter(chosen, EXPECTED), *sorted({each.alert for each in found} - set(EXPECTED))]:
            verdict = judge(truth, alert, found)
            all_verdicts[alert].append(verdict)
            if arguments.v:
                for event in verdict.missed:
                    print("missed", seed, alert, event.where, time.strftime("%d %H:%M", time.gmtime(event.begin)))
                for each in verdict.wrong:
                    print("false ", seed, alert, sorted(each.labels.items()),
                          time.strftime("%d %H:%M", time.gmtime(each.begin)), f"{(each.end - each.begin) / 60:.0f} min")
    table = {alert: add(verdicts) for alert, verdicts in all_verdicts.items()}
    print_table(table, thousands_of_weeks)
    false = sum(verdict.false for verdict in table.values())
    print(f"{false} false alerts in {thousands_of_weeks:.2f} weeks of 1,000 repositories: "
          f"{false / thousands_of_weeks:.2f} a week")
    must = [table[alert] for alert in ("RegistryBuildFailed", "RegistryRetentionSpike") if alert in table]
    return 1 if any(each.missed for each in must) or false > thousands_of_weeks else 0


if __name__ == "__main__":
    sys.exit(main())
