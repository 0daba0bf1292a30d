"""Writes a file for `promtool test rules`: alerts that look days back, on pasts made by functions of time.

`python3 long_pasts.py RULES builds|retention > long_builds_test.yml` with the folder of the rules. (JSON is YAML.)
The scenarios of a file share one timeline, because promtool evaluates every rule at every step of each test; each has a
registry of its own, named like it. Time begins on a Monday at 0:00.
"""

import json
import pathlib
import sys

GROUPS = ["thresholds", "teams", "builds", "samples", "past", "build_alerts", "retention_alerts",
          "sync_alerts", "health_alerts"]
MINUTE, HOUR, DAY = 60, 3600, 86400
STEP = 30 * MINUTE  # between samples; rules are evaluated at full hours


def values(function, end):
    """promtool's notation of function(time) every STEP; None: no sample."""
    numbers = [function(time) for time in range(0, end + 1, STEP)]
    return " ".join("_" if number is None else f"{number:.10g}" for number in numbers)


def selector(metric, labels):
    return metric + "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


class Scenario:
    """One registry: its series, and which alerts fire when, for which repositories (or namespaces)."""

    def __init__(self, name, about="repo"):
        self.registry, self.about = name, about
        self.all_series = {}
        self.checks = []

    def place(self, name):
        return {"repo_namespace": "team", "repo": name} if self.about == "repo" else {self.about: name}

    def add(self, metric, function, place, instance="a", **labels):
        own = {"job": "registry_exporter", "instance": instance, "registry": self.registry,
               **self.place(place), **labels}
        self.all_series[selector(metric, own)] = function

    def check(self, time, alert, *places, **labels):
        """At `time` the alert fires for exactly these repositories (or namespaces)."""
        assert time % HOUR == 0, "not evaluated then"
        own = {"__name__": "ALERTS", "alertname": alert, "alertstate": "firing", "job": "registry_exporter",
               "registry": self.registry, **labels}
        expression = f'ALERTS{{alertname="{alert}", alertstate="firing", registry="{self.registry}"}}'
        samples = [{"labels": selector("ALERTS", {**own, **self.place(place), "severity": SEVERITY[alert]}), "value": 1}
                   for place in places]
        for sample in samples:
            sample["labels"] = sample["labels"].replace('__name__="ALERTS", ', "")
        self.checks.append({"expr": expression, "eval_time": f"{int(time // MINUTE)}m", "exp_samples": samples})


SEVERITY = {
    "RegistryBuildsFailingInARow": "critical", "RegistryBuildSuccessRatioLow": "warning",
    "RegistryBuildBudgetBurning": "critical", "RegistryBuildsSlow": "warning", "RegistryNoSuccessfulBuild": "warning",
    "RegistryRetentionSpike": "warning", "RegistryRetentionTagsLow": "critical",
    "RegistryRetentionStopped": "warning", "RegistryRetentionMissing": "warning",
}


def weekday(time):
    """Days since a Monday; the tests' time begins at one."""
    return int(time // DAY) % 7


def works(time):
    """Mondays to Fridays, 8 to 18."""
    return weekday(time) < 5 and 8 * HOUR <= time % DAY < 18 * HOUR


def last(times, pause=None):
    """The time of the newest event of a predicate over time, none of them within `pause`."""
    found = {}

    def newest(time):
        if time not in found:
            event = times(time) and not (pause and pause[0] <= time < pause[1])
            found[time] = time if event else (newest(time - STEP) if time > 0 else -10 * DAY)
        return found[time]
    return newest


def within(window, times, pause=None, each=1):
    """How many events of a predicate lie in the window before."""
    def count(time):
        moments = range(max(0, time - window + STEP), time + 1, STEP)
        return each * sum(1 for each_time in moments
                          if times(each_time) and not (pause and pause[0] <= each_time < pause[1]))
    return count


# Builds: number(time) per half hour, that took seconds(time) each.
def durations(scenario, repo, number, seconds):
    """The sum and count of the histogram."""
    counts, sums = [0], [0]

    def at(totals, time):
        while len(counts) <= time // STEP:
            newest = len(counts) * STEP
            counts.append(counts[-1] + number(newest))
            sums.append(sums[-1] + number(newest) * seconds(newest))
        return totals[time // STEP]
    scenario.add("acr_build_duration_seconds_count", lambda time: at(counts, time), repo, status="success")
    scenario.add("acr_build_duration_seconds_sum", lambda time: at(sums, time), repo, status="success")


def slow_builds():
    """Measured against the slowest hours of the repository's own week."""
    scenario = Scenario("slow_builds")

    def hourly(time):
        return 1 if time % HOUR == 0 and works(time) else 0
    begin = 9 * DAY + 12 * HOUR  # a Wednesday
    durations(scenario, "slower", hourly, lambda time: 300 if time < begin else 900)
    # Two minutes more, or a fifth more.
    durations(scenario, "slower-too", hourly, lambda time: 100 if time < begin else 220)
    durations(scenario, "long", hourly, lambda time: 1000 if time < begin else 1200)
    # From 20 to 70 seconds: many times, but less than a minute more.
    durations(scenario, "quick", hourly, lambda time: 20 if time < begin else 70)
    # Twice as long each afternoon, as ever.
    durations(scenario, "uneven", hourly, lambda time: 300 if time % DAY < 13 * HOUR else 700)
    # New since two days, and of all lengths.
    durations(scenario, "new", lambda time: hourly(time) if time > 8 * DAY else 0,
              lambda time: 100 if time < begin else 900)
    # A single long one among few.
    durations(scenario, "rare", lambda time: 1 if time in (DAY, 3 * DAY, begin) else 0,
              lambda time: 100 if time < begin else 5000)
    scenario.check(9 * DAY + 11 * HOUR, "RegistryBuildsSlow")
    scenario.check(9 * DAY + 18 * HOUR, "RegistryBuildsSlow", "slower", "slower-too")
    return scenario


def slow_restart():
    """Neither a restart under a new address nor what an outage delays is slow."""
    straight, scenario = Scenario("slow_restart"), Scenario("slow_restart")
    durations(straight, "web", lambda time: 1 if time % HOUR == 0 else 0, lambda _: 300)
    for each, function in straight.all_series.items():
        metric = each[:each.index("{")]
        scenario.add(metric, lambda time, f=function: f(time) if time < 9 * DAY else None, "web", status="success")
        scenario.add(metric, lambda time, f=function: None if time < 9 * DAY + 6 * HOUR
                     else f(9 * DAY) if time == 9 * DAY + 6 * HOUR else f(time), "web", instance="b", status="success")
    for hours in (0, 6, 7, 10, 18):
        scenario.check(9 * DAY + hours * HOUR, "RegistryBuildsSlow")
    return scenario


def successes(scenario, repo, times, pause=None, since=0):
    def after(function):
        return lambda time: function(time) if time >= since else None
    scenario.add("acr_last_build_end_timestamp_seconds", after(last(times, pause)), repo, status="success")
    for window, length in (("24h", DAY), ("7d", 7 * DAY)):
        scenario.add("acr_builds_recent", after(within(length, times, pause)), repo, status="success", window=window)


def nightly(time):
    return time % DAY == 2 * HOUR


def no_success():
    """Nights and weekends of each repository are known."""
    scenario = Scenario("no_success")
    begin = 15 * DAY  # a Tuesday
    never = (begin, 99 * DAY)
    successes(scenario, "nightly", nightly, never)
    successes(scenario, "busy", works, never)
    successes(scenario, "rests-at-weekends", works)
    successes(scenario, "rests-too", works)
    successes(scenario, "nightly-well", nightly)
    successes(scenario, "denied", nightly, never)
    scenario.add("registry_exporter_repository_failing", lambda time: 1 if time >= begin else None, "denied",
                 reason="forbidden")
    # Once in four days at most, then never again.
    successes(scenario, "rare", lambda time: time % (4 * DAY) == 0, never)
    # Five a day, in the morning; since a week, three in the week before.
    successes(scenario, "some", lambda time: works(time) and time % HOUR == 0 and time % DAY < 13 * HOUR, never)
    successes(scenario, "since-a-week", lambda time: nightly(time) and time >= 8 * DAY, never, since=8 * DAY + 2 * HOUR)
    # New since six days.
    successes(scenario, "new", nightly, (18 * DAY, 99 * DAY), since=12 * DAY)
    alert = "RegistryNoSuccessfulBuild"
    scenario.check(13 * DAY + 12 * HOUR, alert)  # a Sunday
    scenario.check(begin + 6 * HOUR, alert)
    scenario.check(begin + 18 * HOUR, alert)  # Half an hour more than a day, and it has to last.
    scenario.check(begin + 20 * HOUR, alert, "busy")
    # Four nights have to be missing.
    scenario.check(begin + 3 * DAY, alert, "busy")
    scenario.check(begin + 3 * DAY + 6 * HOUR, alert, "busy", "nightly")
    return scenario


def holiday():
    """Where a whole registry rests, nobody is reproached."""
    scenario = Scenario("holiday")
    for repo in ("a", "b", "c"):
        successes(scenario, repo, works, (15 * DAY, 17 * DAY))
    for hours in (20, 30, 47):
        scenario.check(15 * DAY + hours * HOUR, "RegistryNoSuccessfulBuild")
    return scenario


def bridge_day():
    """Or where two thirds of it do."""
    scenario = Scenario("bridge_day")
    for repo in ("a", "b"):
        successes(scenario, repo, works, (15 * DAY, 17 * DAY))
    successes(scenario, "c", works)
    scenario.check(15 * DAY + 20 * HOUR, "RegistryNoSuccessfulBuild")
    return scenario


def deletions(scenario, repo, amount, since=0, outage=(0, 0), until=99 * DAY, instance="a"):
    """The windows of a repository whose rule deletes amount(time) tags in each half hour."""
    def recent(length):
        def count(time):
            if not since <= time < until or outage[0] <= time < outage[1]:
                return None
            return sum(amount(each) for each in range(max(0, time - length + STEP), time + 1, STEP))
        return count
    for window, length in (("1h", HOUR), ("24h", DAY)):
        scenario.add("swr_retention_deletions_recent", recent(length), repo, instance=instance, window=window)


def daily(number, hour):
    return lambda time: number if time % DAY == hour * HOUR else 0


def plus(amount, number, moment):
    return lambda time: amount(time) + (number if time == moment else 0)


def nothing(_):
    return 0


def spikes():
    """Measured against the busiest hour and day of the repository's own week."""
    scenario = Scenario("spikes")
    at = 10 * DAY + 12 * HOUR
    deletions(scenario, "busy", plus(lambda _: 6, 60, at))  # 12 an hour, then 60 at once
    scenario.add("swr_repository_tags", lambda _: 400, "busy")  # as many are pushed
    deletions(scenario, "quiet", plus(nothing, 60, at))  # zero baseline
    deletions(scenario, "handful", plus(nothing, 15, at))  # zero baseline, not worth a word
    deletions(scenario, "steady", lambda _: 60)
    deletions(scenario, "daily", daily(100, 3))
    deletions(scenario, "daily-double", plus(daily(100, 3), 200, at))  # three times as much, no more
    deletions(scenario, "weekly", lambda time: 300 if time % (7 * DAY) == 3 * DAY + 12 * HOUR else 0)
    deletions(scenario, "weekdays", lambda time: 80 if works(time) and time % HOUR == 0 else 0)
    # Over half a day, no hour three times as busy as the busiest before.
    deletions(scenario, "flood", lambda time: 25 if at - 11 * HOUR <= time <= at else daily(20, 3)(time))
    # Its first run, an hour after it came.
    deletions(scenario, "new", plus(nothing, 300, at), since=at - HOUR)
    # The same two days later.
    deletions(scenario, "new-too", plus(nothing, 300, at), since=at - 2 * DAY)
    # Hours without the exporter; the daily run was in them.
    deletions(scenario, "outage", daily(100, 7), outage=(10 * DAY + 5 * HOUR, at - HOUR))
    # The same, and the run took far more than usual: late, but not lost.
    deletions(scenario, "outage-spike", plus(daily(10, 7), 90, 10 * DAY + 7 * HOUR),
              outage=(10 * DAY + 5 * HOUR, at))
    # Often a few, and in an outage as many as in fifteen of those runs: far more than on the busiest day.
    deletions(scenario, "hidden", plus(lambda time: 2 if time % (4 * HOUR) == 0 else 0, 30, at - 3 * HOUR),
              outage=(at - 3 * HOUR, at - HOUR))
    # A busier day than any before, though not twice as busy, or by no more than a handful.
    deletions(scenario, "grows", lambda time: (10 if time < at - DAY else 19) if works(time) else 0)
    deletions(scenario, "grows-too", lambda time: (1 if time < at - DAY else 3) if time % (3 * HOUR) == 0 else 0)
    # Pushes forty a day, from the eighth day on retention takes as many: this is how it begins. One that is
    # new, but loses five days' pushes at once.
    for repo, begin, first in (("begins", 7 * DAY + 12 * HOUR, 40), ("begins-badly", at, 200)):
        def tags(time, begin=begin, first=first):
            pushed = (time - 4 * DAY) // DAY * 40
            return 100 + pushed - (first + (time - begin) // DAY * 40 if time >= begin else 0)
        deletions(scenario, repo, lambda time, begin=begin, first=first: first if time == begin else 40 if
                  time > begin and (time - begin) % DAY == 0 else 0, since=4 * DAY)
        scenario.add("swr_repository_tags", lambda time, tags=tags: tags(time) if time >= 4 * DAY else None, repo)
    alert = "RegistryRetentionSpike"
    scenario.check(at - 12 * HOUR, alert)
    for hour in (12, 13, 20):
        scenario.check(7 * DAY + hour * HOUR, alert)
    scenario.check(at, alert, "busy", "quiet", "flood", "outage-spike", "hidden", "begins-badly")
    # It ends; weekends and Mondays after them are nothing special.
    scenario.check(at + 26 * HOUR, alert)
    scenario.check(12 * DAY + 12 * HOUR, alert)
    scenario.check(14 * DAY + 12 * HOUR, alert)
    return scenario


def moved_spike():
    """Under a new address the exporter shows the same past: nothing new."""
    scenario = Scenario("moved_spike")
    deletions(scenario, "web", daily(90, 0), until=10 * DAY)
    deletions(scenario, "web", daily(90, 0), since=10 * DAY + HOUR, instance="b")
    for hours in (0, 1, 2, 6):
        scenario.check(10 * DAY + hours * HOUR, "RegistryRetentionSpike")
    return scenario


def tags_low():
    """Few tags, fewer than before, and a rule that took them."""
    scenario = Scenario("tags_low")
    at = 9 * DAY

    def repository(repo, tags, template, deleted):
        scenario.add("swr_repository_tags", tags, repo)
        scenario.add("swr_retention_deletions_total",
                     lambda time: sum(deleted(each) for each in range(0, time + 1, STEP)), repo, template=template)

    def falls(time):
        return 12 if time < at else 1
    repository("emptied", falls, "date_rule", lambda time: 11 if time == at else 0)
    # A tag_rule stops before the last one: this one keeps two.
    repository("kept", lambda time: 12 if time < at else 2, "tag_rule", lambda time: 10 if time == at else 0)
    repository("by-hand", falls, "date_rule", nothing)
    repository("halved", lambda time: 4 if time < at else 2, "date_rule", lambda time: 2 if time == at else 0)
    repository("some-left", lambda time: 12 if time < at else 5, "date_rule", lambda time: 7 if time == at else 0)
    # Small, and always was.
    repository("small", lambda _: 2, "date_rule", daily(1, 0))
    repository("plenty", lambda time: 500 - time / DAY, "date_rule", lambda _: 1)
    alert = "RegistryRetentionTagsLow"
    scenario.check(at - HOUR, alert)
    scenario.check(at + HOUR, alert, "emptied", "halved")
    scenario.check(at + 26 * HOUR, alert)
    return scenario


def retention_stopped():
    """A rule, growing tags, and far more than the usual pause."""
    scenario = Scenario("retention_stopped")
    at = 10 * DAY

    def repository(repo, stops, tags, rule=True, pause=DAY, since=0):
        newest = last(lambda time: time % pause == 0, stops)
        scenario.add("swr_last_retention_deletion_timestamp_seconds",
                     lambda time: newest(time) if time >= since else None, repo)
        scenario.add("swr_repository_tags", lambda time: tags(time) if time >= since else None, repo)
        if rule:
            scenario.add("swr_retention_rule_info", lambda _: 1, repo, retention_id="1", template="tag_rule",
                         keep="20")

    def grows(time):
        return 20 if time < at else 20 + (time - at) / (6 * HOUR)
    stops = (at, 99 * DAY)
    repository("stopped", stops, grows)
    repository("often", stops, grows, pause=6 * HOUR)
    # Nothing is pushed, so nothing has to go.
    repository("no-pushes", stops, lambda _: 20)
    # The rule was taken away on purpose, or the rules aren't collected.
    repository("no-rule", stops, grows, rule=False)
    repository("runs", None, lambda time: 20 + time / DAY)
    # Once in four days, as ever.
    repository("rare", None, lambda time: 20 + time / DAY, pause=4 * DAY)
    # Two days before, far too much was deleted: until the tags are as many as before, nothing has to go.
    repository("grows-back", (8 * DAY, 99 * DAY), lambda time: 60 if time < 8 * DAY else 10 + (time - 8 * DAY) / DAY * 4)
    # It last deleted long before what Prometheus remembers.
    repository("long-ago", (DAY, 99 * DAY), lambda time: 20 + time / DAY)
    # Known for three days only, the weekend not among them.
    repository("new", stops, grows, since=at - 3 * DAY)
    # What can't be read shows its last known state for ever.
    repository("denied", stops, grows)
    scenario.add("registry_exporter_repository_failing", lambda time: 1 if time >= at else None, "denied",
                 reason="forbidden")
    alert = "RegistryRetentionStopped"
    scenario.check(at + DAY, alert)
    # Three times a pause of one day, from the last deletion the day before on, and an hour; two days at least.
    scenario.check(at + 2 * DAY + HOUR, alert, "often")
    scenario.check(at + 2 * DAY + 2 * HOUR, alert, "often", "stopped")
    scenario.check(at + 3 * DAY, alert, "often", "stopped")
    scenario.check(at + 7 * DAY, alert, "new", "often", "stopped")
    return scenario


def given_up():
    """At 11 days the last failure is 10 days old."""
    scenario = Scenario("given_up")
    for repo, failed_at in (("given-up", DAY), ("recent", 6 * DAY)):
        scenario.add("acr_consecutive_failed_builds", lambda _: 9, repo)
        scenario.add("acr_last_build_end_timestamp_seconds", lambda _, at=failed_at: at, repo, status="failed")
    scenario.check(11 * DAY, "RegistryBuildsFailingInARow", "recent")
    return scenario


def noisy_one():
    """Many repositories that build, one that fails nearly always: its own alert, nobody else's."""
    scenario = Scenario("noisy_one")

    def early(value):
        return lambda time: value if time <= DAY else None
    for repo, failed in [("noisy", 18)] + [(f"repo-{number}", 0) for number in range(40)]:
        for status, count in (("failed", failed), ("success", 20 - failed)):
            for window in ("1h", "24h"):
                scenario.add("acr_builds_recent", early(count), repo, status=status, window=window)
        scenario.add("acr_build_success_ratio", early(1 - failed / 20), repo, window="24h")
    scenario.check(3 * HOUR, "RegistryBuildSuccessRatioLow", "noisy", window="24h")
    scenario.check(3 * HOUR, "RegistryBuildBudgetBurning")
    return scenario


def retention_missing():
    """Measured against the longest pause between the successes of the namespace's own twelve days."""
    scenario = Scenario("retention_missing", about="repo_namespace")
    at = 10 * DAY  # a Thursday; the last successes were before
    never = (at, 99 * DAY)

    def policy(name, times, pause=None, until=99 * DAY, last_success=1, outage=(0, 0)):
        succeeded = [0]

        def count(time):
            while len(succeeded) <= time // STEP:
                moment = len(succeeded) * STEP
                runs = times(moment) and not (pause and pause[0] <= moment < pause[1])
                succeeded.append(succeeded[-1] + (1 if runs else 0))
            return succeeded[time // STEP]

        def shown(function):
            return lambda time: function(time) if time < until and not outage[0] <= time < outage[1] else None

        def old_value_first(time):
            return count(outage[0] if time == outage[1] else time)
        scenario.add("swr_retention_executions_total", shown(old_value_first), name, status="success")
        scenario.add("swr_retention_executions_total", shown(lambda time: 2 * (time // DAY)), name, status="stopped")
        scenario.add("swr_retention_executions_in_progress", shown(lambda _: 0), name)
        scenario.add("swr_last_retention_execution_success", shown(lambda _: last_success), name)

    policy("daily", nightly, never)
    policy("daily-well", nightly)
    policy("missed-once", nightly, (at, at + DAY))
    policy("hourly", lambda time: time % HOUR == 0, never)
    policy("workdays", lambda time: nightly(time) and weekday(time) < 5)
    policy("workdays-too", lambda time: nightly(time) and weekday(time) < 5, never)
    policy("weekly", lambda time: time % (7 * DAY) == 2 * HOUR, never)
    # Three successes, two pauses.
    policy("new", lambda time: nightly(time) and time >= 7 * DAY, never)
    policy("deleted", nightly, never, until=at)
    policy("fails", nightly, never, last_success=0)
    policy("denied", nightly, never)
    scenario.add("registry_exporter_repository_failing", lambda time: 1 if time >= at else None, "denied",
                 reason="forbidden")
    # Nobody scraped, though it ran: the second scrape shows it.
    policy("outage", nightly, outage=(at, at + 4 * DAY))
    alert = "RegistryRetentionMissing"
    scenario.check(at, alert)
    scenario.check(at + 14 * HOUR, alert)
    scenario.check(at + 25 * HOUR, alert, "hourly")
    # The last success of daily ones was 22 hours before.
    scenario.check(at + 26 * HOUR, alert, "hourly")
    scenario.check(at + 29 * HOUR, alert, "daily", "hourly")
    scenario.check(at + 3 * DAY, alert, "daily", "hourly")
    scenario.check(at + 4 * DAY + HOUR, alert, "daily", "hourly")
    scenario.check(at + 6 * DAY, alert, "daily", "hourly", "workdays-too")
    return scenario


SCENARIOS = {
    "builds": (slow_builds, slow_restart, no_success, holiday, bridge_day, given_up, noisy_one),
    "retention": (spikes, moved_spike, tags_low, retention_stopped, retention_missing),
}


def main():
    rules = pathlib.Path(sys.argv[1]).resolve()
    scenarios = [make() for make in SCENARIOS[sys.argv[2]]]
    end = 18 * DAY + 12 * HOUR
    json.dump({
        "rule_files": [str(rules / f"{name}.yml") for name in ("thresholds", "recording", "alerts")],
        "evaluation_interval": "1h",
        "group_eval_order": [f"registry_exporter_{group}" for group in GROUPS],
        "tests": [{
            "interval": "30m",
            "input_series": [{"series": each, "values": values(function, end)}
                             for scenario in scenarios for each, function in scenario.all_series.items()],
            "promql_expr_test": [check for scenario in scenarios for check in scenario.checks],
        }],
    }, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
