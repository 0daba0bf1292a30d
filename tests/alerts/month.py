"""Judges the shipped alerts over simulated months: `./run alerts [--seeds A..B] [--days N] [--repositories N]`.

alert_month lets the real exporter live through a month with known incidents. Its scrapes become blocks of a real
Prometheus, promtool backfills the recording rules, and each alert's expression is asked for at every scrape of the
month, with its `for` applied. What fired is held against what happened: recall, false alerts, delay in scrapes.
Exit 1 where a failed build or a spike was missed, or false alerts are more than one per week and 1,000 repositories.
"""

import argparse
import bisect
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

RULES = ROOT / "config/prometheus/rules"
MINUTE, HOUR, DAY = 60, 3600, 86400
UNITS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}


def seconds(text):
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", text or "0s"))


# --- a month, in a real Prometheus -------------------------------------------------------------------------

class Prometheus:
    def __init__(self, folder):
        self.folder, self.at, self.process = folder, address(0), None

    def __enter__(self):
        config = self.folder / "empty.yml"
        config.write_text("global: {}\n")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'blocks'}",
             f"--web.listen-address={self.at}", "--storage.tsdb.retention.time=90y", "--query.timeout=10m",
             "--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h"],
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
    """Recorded series of the whole month, as blocks; those that read recorded ones come second."""
    names = set(rules.recorded)
    for second in (False, True):
        files = collections.defaultdict(list)
        chosen = {name: rule for name, rule in rules.recorded.items()
                  if any(other in rule[0] for other in names) == second}
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


def fired(folder, truth):
    found, step = [], truth["scrape_interval"]
    alerts = [each for each in Rules().alerts if "absent(" not in each[1] or each[0] == "RegistryExporterDown"]
    with Prometheus(folder) as prometheus, concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda each: prometheus.range(each[1], truth["begin"] + HOUR, truth["end"], step), alerts)
        for (alert, _, wait), answer in zip(alerts, answers):
            for labels, values in answer.items():
                found.extend(episodes(alert, dict(labels), [moment for moment, _ in values], wait, step))
    return found


# --- what happened -----------------------------------------------------------------------------------------

Event = collections.namedtuple("Event", "where begin end late", defaults=(0,))  # late: of no alert's making


def outages(truth):
    kinds = ("scrapes_out", "cloud_out", "restart", "throttled")
    return [(span["from"], span["until"]) for span in truth["spans"] if span["kind"] in kinds]


def seen_at(truth, moment):
    """When it can be known at the earliest: after the outage it lies in."""
    for begin, end in sorted(outages(truth)):
        if begin - 5 * MINUTE <= moment < end:
            moment = end
    return moment


def incident_repositories(truth, kind, cloud):
    for incident in truth["incidents"]:
        if incident["kind"] != kind:
            continue
        for repository in truth[cloud]:
            index = repository["index"] % (incident["every"] or sys.maxsize)
            if index == incident["index"]:
                yield repository, incident["from"], incident["until"]


def failed_builds(truth):
    return [Event(repository["name"], moment, moment) for repository in truth["acr"]
            for moment, end, _ in repository["builds"] if end == 1]


def streaks(truth, least=3):
    for repository in truth["acr"]:
        count, begin = 0, None
        for moment, end, _ in sorted(repository["builds"]):
            if end == 1:
                count += 1
                begin = moment if count == least else begin
            elif end == 0:
                if begin:
                    yield Event(repository["name"], begin, moment)
                count, begin = 0, None
        if begin:
            yield Event(repository["name"], begin, truth["end"])


def low_ratios(truth, share=0.8, builds=10):
    for repository in truth["acr"]:
        ended = sorted((moment, end) for moment, end, _ in repository["builds"] if end in (0, 1))
        times = [moment for moment, _ in ended]
        good = [0]
        for _, end in ended:
            good.append(good[-1] + (end == 0))
        begin = None
        for now in range(int(truth["begin"]) + DAY, int(truth["end"]), 5 * MINUTE):
            first, last = bisect.bisect_right(times, now - DAY), bisect.bisect_right(times, now)
            low = last - first >= builds and good[last] - good[first] < share * (last - first)
            if low and begin is None:
                begin = now
            if not low and begin is not None:
                yield Event(repository["name"], begin, now)
                begin = None


def slow_ones(truth):
    """Where three slow ones ended within few hours, from the third on, and enough in the week before to compare with."""
    for repository, begin, end in incident_repositories(truth, "slow", "acr"):
        good = sorted((moment, moment - span) for moment, outcome, span in repository["builds"] if outcome == 0)
        slow = [moment for moment, started in good if begin < started < end]
        before = sum(begin - 7 * DAY < moment < begin for moment, _ in good)
        thirds = [third for first, third in zip(slow, slow[2:]) if third - first < 5 * HOUR]
        if thirds and before >= 50:
            yield Event(repository["name"], thirds[0], end + 8 * HOUR)


def stuck_ones(truth):
    return [Event(repository["name"], moment - span + 2 * HOUR, moment) for repository in truth["acr"]
            for moment, _, span in repository["builds"] if span > 2 * HOUR + 10 * MINUTE]


def silent_ones(truth):
    """Where ten or more succeeded on each working day before."""
    for repository, begin, end in incident_repositories(truth, "silent", "acr"):
        before = [moment for moment, outcome, _ in repository["builds"]
                  if outcome == 0 and begin - 14 * DAY < moment < begin]
        if len(before) > 2 * 5 * 20:
            yield Event(repository["name"], begin + DAY, end + 12 * HOUR)


def deleted(repository, begin, end, but=""):
    return sorted(moment for moment, template in repository["deletions"] if begin <= moment < end and template != but)


def largest(times, window=HOUR):
    return max((bisect.bisect_right(times, each + window) - i for i, each in enumerate(times)), default=0)


def spikes(truth):
    """Injected ones that took more than 20 tags within an hour, and thrice the week's busiest hour."""
    for kind in ("spike", "emptied"):
        for repository, begin, end in incident_repositories(truth, kind, "swr"):
            usual = largest(deleted(repository, begin - 7 * DAY, begin))
            for moment in deleted(repository, begin, end):
                taken = len(deleted(repository, moment, moment + HOUR))
                if taken > 20 and taken > 3 * usual:
                    yield Event(repository["name"], moment, moment + DAY)
                    break


def emptied_ones(truth):
    """By rules that take the last tag, too."""
    for repository, begin, end in incident_repositories(truth, "emptied", "swr"):
        if len(times := deleted(repository, begin, end, but="tag_rule")) > 3:
            yield Event(repository["name"], times[0], end)


def stopped_ones(truth):
    """From three times the longest pause of the days before on, two days at least."""
    for repository, begin, end in incident_repositories(truth, "stopped", "swr"):
        before = deleted(repository, begin - 12 * DAY, begin)
        pause = max((later - earlier for earlier, later in zip(before, before[1:])), default=end)
        due = before[-1] + max(2 * DAY, 3 * pause) if before else end
        if repository["has_rule"] and begin - (before or [0])[-1] < 3 * DAY and due + 12 * HOUR < min(end, truth["end"]):
            yield Event(repository["name"], due, end + DAY)


def common_causes(truth):
    """Those that three repositories and ten builds can tell of, from the moment on when they do."""
    namespaces = {repository["index"] % 8: repository["name"].split("/")[0] for repository in truth["acr"][:8]}
    for incident in truth["incidents"]:
        if incident["kind"] != "common_cause" or incident["index"] not in namespaces:
            continue
        own = namespaces[incident["index"]]
        builds = sorted((moment, outcome, repository["name"]) for repository in truth["acr"]
                        if repository["name"].split("/")[0] == own for moment, outcome, span in repository["builds"]
                        if outcome in (0, 1) and incident["from"] < moment - span < incident["until"])
        for count, (moment, _, _) in enumerate(builds, 1):
            failed = {name for _, outcome, name in builds[:count] if outcome == 1}
            if count >= 10 and len(failed) >= 3:
                yield Event(own, moment, incident["until"])
                break


def last_end(repository, begin, end):
    """When the last build that began in the incident ended."""
    return max([end, *(moment for moment, _, span in repository["builds"] if begin < moment - span < end)])


def spans(truth, kind, least=0):
    return [Event("", span["from"] + least, span["until"] + 10 * MINUTE) for span in truth["spans"]
            if span["kind"] == kind and span["until"] - span["from"] > least + 5 * MINUTE]


# alert: what happened; how long after it a firing alert still belongs to it; whether each must be found
EXPECTED = {
    "RegistryBuildFailed": (failed_builds, 20 * MINUTE),
    "RegistryBuildsFailingInARow": (streaks, 10 * MINUTE),
    "RegistryBuildSuccessRatioLow": (low_ratios, 20 * MINUTE),
    "RegistryBuildBudgetBurning": (common_causes, 2 * HOUR),
    "RegistryBuildStuck": (stuck_ones, 10 * MINUTE),
    "RegistryBuildsSlow": (slow_ones, 0),
    "RegistryNoSuccessfulBuild": (silent_ones, DAY),
    "RegistryRetentionSpike": (spikes, DAY),
    "RegistryRetentionTagsLow": (emptied_ones, 2 * DAY),
    "RegistryRetentionStopped": (stopped_ones, DAY),
    "RegistryExporterDown": (lambda truth: spans(truth, "scrapes_out", 5 * MINUTE), 0),
    "RegistryDown": (lambda truth: spans(truth, "cloud_out", 5 * MINUTE), 10 * MINUTE),
    "RegistryThrottled": (lambda truth: spans(truth, "throttled", 30 * MINUTE), 20 * MINUTE),
}
# Real, though not what the alert is measured by.
TOLERATED = {
    "RegistryBuildBudgetBurning": lambda truth: [
        Event(repository["name"].split("/")[0], begin, end + DAY)
        for repository, begin, end in incident_repositories(truth, "common_cause", "acr")],
    "RegistryBuildsSlow": lambda truth: [
        Event(repository["name"], begin, last_end(repository, begin, end) + 8 * HOUR) for kind in ("slow", "stuck")
        for repository, begin, end in incident_repositories(truth, kind, "acr")],
    "RegistryNoSuccessfulBuild": lambda truth: [
        Event(repository["name"], begin, end + 2 * DAY) for kind in ("silent", "broken", "common_cause")
        for repository, begin, end in incident_repositories(truth, kind, "acr")],
    "RegistryRetentionSpike": lambda truth: [
        Event(repository["name"], begin, end + DAY) for kind in ("spike", "emptied", "stopped")
        for repository, begin, end in incident_repositories(truth, kind, "swr")],
    "RegistryRetentionTagsLow": lambda truth: [
        Event(repository["name"], begin, end + 2 * DAY) for repository, begin, end in
        incident_repositories(truth, "emptied", "swr")],
    "RegistryRetentionStopped": lambda truth: [
        Event(repository["name"], begin, end + DAY) for repository, begin, end in
        incident_repositories(truth, "stopped", "swr")],
    "RegistryDataStale": lambda truth: [Event("", begin, end + HOUR) for begin, end in outages(truth)],
    "RegistryRepositoryFailing": lambda truth: [Event("", begin, end + HOUR) for begin, end in outages(truth)],
    "RegistryThrottled": lambda truth: [Event("", begin, end + HOUR) for begin, end in outages(truth)],
    "RegistryDown": lambda truth: [Event("", begin, end + HOUR) for begin, end in outages(truth)],
}


def where(labels, event):
    """Whether the alert speaks of the event's place."""
    own = labels.get("repo_namespace", "")
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
        place = each.labels.get("repo_namespace", "")
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
    parser.add_argument("-v", action="store_true", help="name what was missed and what was false")
    arguments = parser.parse_args()
    first, last = map(int, arguments.seeds.split(".."))
    all_verdicts, thousands_of_weeks = collections.defaultdict(list), 0
    for seed in range(first, last + 1):
        folder = pathlib.Path(arguments.folder or arguments.keep or tempfile.mkdtemp(prefix="registry_exporter_month."))
        folder = folder / str(seed) if arguments.keep else folder
        try:
            if not arguments.folder:
                live_through(folder, ROOT / arguments.build / "alert_month", arguments, seed)
            truth = json.loads((folder / "truth.json").read_text()) if (folder / "blocks").exists() else load(folder)
            found = fired(folder, truth)
        finally:
            if not arguments.folder and not arguments.keep:
                shutil.rmtree(folder, ignore_errors=True)
        weeks = (truth["end"] - truth["begin"]) / (7 * DAY)
        thousands_of_weeks += weeks * (len(truth["acr"]) + len(truth["swr"])) / 1000
        for alert in [*EXPECTED, *sorted({each.alert for each in found} - set(EXPECTED))]:
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
    must = [table["RegistryBuildFailed"], table["RegistryRetentionSpike"]]
    return 1 if any(each.missed for each in must) or false > thousands_of_weeks else 0


if __name__ == "__main__":
    sys.exit(main())
