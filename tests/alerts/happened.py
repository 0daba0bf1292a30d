"""What happened in a simulated month, and what each alert ought to make of it."""

import bisect
import collections
import sys

MINUTE, HOUR, DAY = 60, 3600, 86400

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


# --- synchronisations, and executions of SWR Enterprise Edition --------------------------------------------

def all_syncs(truth):
    return [(each["name"], sorted(each["syncs"])) for cloud in ("acr_syncs", "swr_syncs") for each in truth[cloud]]


def executions(truth, kind):
    return [(each["name"], sorted(each["executions"])) for each in truth[kind]]


def newest_failed(truth, name, ended, forgotten=sys.maxsize):
    """While the newest that succeeded or failed is a failed one, but no longer than `forgotten`."""
    begin = last = None
    for moment, end, _ in [*ended, (truth["end"], 0, 0)]:
        if begin is not None and (end == 0 or end == 1 and moment - last > forgotten):
            yield Event(name, begin, min(moment, last + forgotten))
            begin = None
        if end == 1:
            begin, last = moment if begin is None else begin, moment


def often_failed(truth, name, ended, conditions):
    """While within one of the windows enough failed, and more than a share: [(window, enough, share)]."""
    good = [moment for moment, end, _ in ended if end == 0]
    bad = [moment for moment, end, _ in ended if end == 1]

    def within(times, begin, end):
        return bisect.bisect_right(times, end) - bisect.bisect_right(times, begin)
    begin = None
    for now in range(int(truth["begin"]) + 6 * HOUR, int(truth["end"]), 5 * MINUTE):
        holds = any(within(bad, now - window, now) >= enough and
                    within(bad, now - window, now) * (1 - share) > within(good, now - window, now) * share
                    for window, enough, share in conditions)
        if holds and begin is None:
            begin = now
        if not holds and begin is not None:
            yield Event(name, begin, now)
            begin = None
    if begin is not None:
        yield Event(name, begin, truth["end"])


def lasting(events, least):
    return [event for event in events if event.end - event.begin >= least]


def failing_syncs(truth):
    return [event for name, ended in all_syncs(truth) for event in newest_failed(truth, name, ended, 6 * HOUR)]


def often_failing_syncs(truth):
    return [event for name, ended in all_syncs(truth)
            for event in often_failed(truth, name, ended, [(6 * HOUR, 3, 0.3)])]


def stuck_syncs(truth):
    return [Event(name, moment - span + 2 * HOUR, min(moment, truth["end"])) for name, ended in all_syncs(truth)
            for moment, _, span in ended if span > 2 * HOUR + 10 * MINUTE]


def failing_retentions(truth):
    return [event for name, ended in executions(truth, "retentions") for event in newest_failed(truth, name, ended)]


def missing_retentions(truth, margin=0):
    """From twice the longest pause of twelve days on, a day at least, where three pauses are known and none failed."""
    for name, ended in executions(truth, "retentions"):
        counted = [each for each in ended if each[0] > truth["begin"]]
        good = [moment for moment, end, _ in counted if end == 0]
        for last, following in zip(good, [*good[1:], truth["end"]]):
            known = [moment for moment in good if last - 12 * DAY < moment <= last]
            pauses = [later - earlier for earlier, later in zip(known, known[1:])]
            failed = [moment for moment, end, _ in counted if end == 1 and last < moment < following]
            until = min(failed, default=following)
            if len(pauses) >= 3 and last + max(DAY, 2 * max(pauses)) + margin < until:
                yield Event(name, last + max(DAY, 2 * max(pauses)), until)


def failing_replications(truth):
    return [event for name, ended in executions(truth, "replications")
            for event in often_failed(truth, name, ended, [(6 * HOUR, 1, 0.5), (HOUR, 2, 0.5)])]


# --- alert by alert ----------------------------------------------------------------------------------------

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
    # Those that last long enough for the exporter's reading, the recorded series and the alert's own `for`.
    "RegistrySyncsFailing": (lambda truth: lasting(failing_syncs(truth), 35 * MINUTE), 30 * MINUTE),
    "RegistrySyncStuck": (stuck_syncs, 15 * MINUTE),
    "RegistryRetentionExecutionFailed": (failing_retentions, 15 * MINUTE),
    "RegistryRetentionMissing": (lambda truth: list(missing_retentions(truth, 3 * HOUR)), HOUR),
    "RegistryReplicationFailing": (lambda truth: lasting(failing_replications(truth), 20 * MINUTE), 15 * MINUTE),
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
    "RegistrySyncsFailing": lambda truth: failing_syncs(truth) + often_failing_syncs(truth),
    "RegistryRetentionMissing": missing_retentions,
    "RegistryReplicationFailing": failing_replications,
    "RegistryListFailing": lambda truth: [Event("", begin, end + HOUR) for begin, end in outages(truth)],
    "RegistryDataStale": lambda truth: [Event("", begin, end + HOUR) for begin, end in outages(truth)],
    "RegistryRepositoryFailing": lambda truth: [Event("", begin, end + HOUR) for begin, end in outages(truth)],
    "RegistryThrottled": lambda truth: [Event("", begin, end + HOUR) for begin, end in outages(truth)],
    "RegistryDown": lambda truth: [Event("", begin, end + HOUR) for begin, end in outages(truth)],
}
