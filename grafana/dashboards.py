"""Makes the dashboards: `python3 grafana/dashboards.py` writes grafana/dashboards/*.json. They are committed, and a
test sees that they are what this file makes. Edit here, or drop this file and go on with the JSON."""

import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
TARGET = 'job=~"$job", instance=~"$instance"'
REGISTRY = TARGET + ', registry=~"$registry"'
CHOSEN = REGISTRY + ', repo_namespace=~"$namespace", repo=~"$repository"'
REPO = "registry, repo_namespace, repo"
RULES_HINT = "Needs the shipped rules (config/prometheus/rules)."

GREEN, ORANGE, RED, BLUE, GREY = "green", "orange", "red", "blue", "#8e8e8e"
STATUS = {"success": GREEN, "failed": RED, "canceled": GREY, "other": "purple"}
TEMPLATE = {"date_rule": BLUE, "tag_rule": ORANGE, "other": "purple"}
STATE = {"fresh": GREEN, "stale": ORANGE, "failing": RED, "pending": GREY, "dropped": "purple"}


# --- queries -----------------------------------------------------------------------------------------------

def query(expression, legend="", ref="A", instant=False, table=False, exemplar=False, heatmap=False, interval=None):
    found = {"refId": ref, "datasource": SOURCE, "editorMode": "code", "expr": " ".join(expression.split()),
             "legendFormat": legend, "instant": instant, "range": not instant}
    if table:
        found["format"] = "table"
    if heatmap:
        found["format"] = "heatmap"
    if exemplar:
        found["exemplar"] = True
    if interval:
        found["interval"] = interval
    return found


def hourly(expression, legend="", ref="A", **more):
    """For windows of an hour, which are dear at many points."""
    return query(expression, legend, ref, interval="5m", **more)


def steady(kind, expression):
    """The extremes as of the end of the time range, so that a graph has as many lines as it says. `expression` is a
    function of what stands behind each selector."""
    return f"({expression('')}) and {kind}, {expression(' @ end()')})"


def now(expression, legend="", ref="A"):
    return query(expression, legend, ref, instant=True)


def row_query(expression, ref):
    return query(expression, "", ref, instant=True, table=True)


def recent(status, window="24h", offset=""):
    return f'acr_builds_recent{{window="{window}", status=~"{status}", {CHOSEN}}}{offset}'


# --- panels ------------------------------------------------------------------------------------------------

def steps(*pairs):
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in pairs]}


def panel(kind, title, description, targets, unit, options, no_value="No data", **defaults):
    fields = {"unit": unit, "noValue": no_value, **defaults}
    overrides = fields.pop("overrides", [])
    transformations = fields.pop("transformations", [])
    links = fields.pop("panel_links", [])
    made = {"type": kind, "title": title, "description": description, "datasource": SOURCE, "targets": targets,
            "fieldConfig": {"defaults": fields, "overrides": overrides}, "options": options}
    if transformations:
        made["transformations"] = transformations
    if links:
        made["links"] = links
    return made


def stat(title, description, target, unit="short", thresholds=None, no_value="0", background=True, graph=False,
         **defaults):
    target["legendFormat"] = target["legendFormat"] or title
    return panel("stat", title, description, [target], unit, {
        "colorMode": "background" if background else "value", "graphMode": "area" if graph else "none",
        "justifyMode": "center", "orientation": "auto", "textMode": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }, no_value, color={"mode": "thresholds"}, thresholds=thresholds or steps((None, BLUE)), **defaults)


def colors(palette):
    return [{"matcher": {"id": "byName", "options": name},
             "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}]}
            for name, color in palette.items()]


def dashed(name, color=GREY):
    return {"matcher": {"id": "byName", "options": name}, "properties": [
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}}, {"id": "custom.fillOpacity", "value": 0},
        {"id": "custom.stacking", "value": {"mode": "none"}},
        {"id": "color", "value": {"mode": "fixed", "fixedColor": color}}]}


def series(title, description, targets, unit="short", palette=None, stacked=False, bars=False, extra=(), calcs=(),
           no_value="No data", **defaults):
    custom = {"drawStyle": "bars" if bars else "line", "lineWidth": 0 if bars else 2,
              "fillOpacity": 80 if bars else (35 if stacked else 0), "showPoints": "never",
              "stacking": {"mode": "normal" if stacked else "none", "group": "A"}}
    return panel("timeseries", title, description, targets, unit, {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": list(calcs)},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }, no_value, color={"mode": "palette-classic"}, custom=custom, min=0,
        overrides=colors(palette or {}) + list(extra), **defaults)


def bars(title, description, target, unit="short", thresholds=None, no_value="None"):
    return panel("bargauge", title, description, [target], unit, {
        "displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "valueMode": "text",
        "minVizHeight": 16, "maxVizHeight": 26, "sizing": "manual", "namePlacement": "left",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }, no_value, color={"mode": "thresholds"}, min=0, thresholds=thresholds or steps((None, ORANGE)))


def table(title, description, columns, sort, units=None, marks=None, texts=(), no_value="", links=(), widths=None,
          on=REPO):
    """`columns`: name → expression; rows are joined by their labels. The first column says which rows there are."""
    refs = "ABCDEFGHIJ"
    rows = next(iter(columns.values()))
    if "topk(" in rows or "bottomk(" in rows:
        columns = {name: expression if expression is rows else f"({expression}) and on ({on}) {rows}"
                   for name, expression in columns.items()}
    sort = sort if isinstance(sort, list) else [{"displayName": sort, "desc": True}]
    arrows = {each["displayName"] for each in sort}

    def width(name):
        """Of a column of numbers: its title, and the arrow of the order."""
        return 46 + 5 * max(6, len(name)) + (20 if name in arrows else 0)
    labels = {"registry": "Registry", "repo_namespace": "Namespace", "repo": "Repository",
              "alertname": "Alert", "severity": "Severity", "template": "Rule", "keep": "Keep", "version": "Version",
              "reason": "Reason", "instance": "Instance"}
    names = list(columns)
    targets = [row_query(expression, refs[i]) for i, expression in enumerate(columns.values())]
    # A single query's value is called Value, those of several Value #A, …
    values = {(f"Value #{refs[i]}" if len(names) > 1 else "Value"): name for i, name in enumerate(names)}
    overrides = [{"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}]}
                 for name, unit in (units or {}).items()]
    for name, thresholds in (marks or {}).items():
        overrides.append({"matcher": {"id": "byName", "options": name}, "properties": [
            {"id": "custom.cellOptions", "value": {"type": "color-text"}}, {"id": "thresholds", "value": thresholds}]})
    overrides += [{"matcher": {"id": "byName", "options": name}, "properties": [
        {"id": "noValue", "value": "–"}, {"id": "custom.width", "value": width(name)}]} for name in names]
    overrides += [{"matcher": {"id": "byName", "options": name}, "properties": [{"id": "noValue", "value": "–"}]}
                  for name in ("Namespace", "Repository", "Registry", "Rule", "Keep")]
    for name, width in {"Registry": 68, "Namespace": 88, "Severity": 84, "Last failure": 116, **(widths or {})}.items():
        overrides.append({"matcher": {"id": "byName", "options": name},
                          "properties": [{"id": "custom.width", "value": width}]})
    for name, link in links:
        overrides.append({"matcher": {"id": "byName", "options": name}, "properties": [{"id": "links", "value": [link]}]})
    overrides.extend(texts)
    first = ["alertname", "severity", "instance", "version", "repo_namespace", "repo", "template", "keep", "reason"]
    order = {label: i for i, label in enumerate([*first, *values, "registry"])}
    return panel("table", title, description, targets, "short", {
        "showHeader": True, "cellHeight": "sm", "sortBy": sort,
        "footer": {"show": False, "reducer": ["sum"], "fields": ""},
    }, no_value, color={"mode": "thresholds"}, thresholds=steps((None, "text")), custom={"align": "auto", "filterable": False, "minWidth": 90},
        overrides=overrides, transformations=[
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": order,
                                           "renameByName": {**labels, **values}}}])


def text(title, content):
    return {"type": "text", "title": title, "description": "", "datasource": SOURCE, "targets": [],
            "fieldConfig": {"defaults": {}, "overrides": []}, "options": {"mode": "markdown", "content": content}}


def row(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


REPO_LINK = {"title": "Builds of this repository", "targetBlank": False,
             "url": "/d/registry-exporter-builds/?${datasource:queryparam}&${registry:queryparam}"
                    "&var-namespace=${__data.fields.Namespace}&var-repository=${__data.fields.Repository}"
                    "&${__url_time_range}"}
RETENTION_LINK = {**REPO_LINK, "title": "Retention of this repository",
                  "url": REPO_LINK["url"].replace("exporter-builds", "exporter-retention")}


# --- a dashboard -------------------------------------------------------------------------------------------

def variable(name, label, values_of, everything=".*", hide=0):
    return {"name": name, "label": label, "type": "query", "datasource": SOURCE, "definition": values_of,
            "query": {"query": values_of, "refId": f"Prometheus-{name}"}, "refresh": 2, "sort": 1, "multi": True,
            "includeAll": True, "allValue": everything, "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "options": [], "regex": "", "hide": hide, "skipUrlSync": False}


def variables():
    read = "registry_exporter_repository_last_read_timestamp_seconds"
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {},
         "options": [], "refresh": 1, "regex": "", "hide": 0, "includeAll": False, "multi": False,
         "skipUrlSync": False},
        variable("job", "Job", "label_values(registry_exporter_repositories, job)", ".+", 2),
        variable("instance", "Instance", 'label_values(registry_exporter_repositories{job=~"$job"}, instance)', ".+", 2),
        variable("registry", "Registry", f"label_values(registry_exporter_repositories{{{TARGET}}}, registry)"),
        variable("namespace", "Namespace", f"label_values({read}{{{REGISTRY}}}, repo_namespace)"),
        variable("repository", "Repository",
                 f'label_values({read}{{{REGISTRY}, repo_namespace=~"$namespace"}}, repo)'),
    ]


TITLES = {"overview": "Overview", "builds": "Builds", "retention": "Retention", "exporter": "Exporter"}


def dashboard(name, description, rows, time_from="now-24h"):
    """`rows`: (height, [(width, panel), …]); widths sum up to 24."""
    panels, y = [], 0
    for height, cells in rows:
        x = 0
        assert sum(width for width, _ in cells) == 24, [each["title"] for _, each in cells]
        for width, each in cells:
            panels.append({"id": len(panels) + 1, **each, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
            x += width
        y += height
    return {
        "id": None, "uid": f"registry-exporter-{name}", "title": f"Registry exporter / {TITLES[name]}",
        "description": description, "tags": ["registry_exporter"], "schemaVersion": 39, "version": 1,
        "editable": False, "graphTooltip": 1, "timezone": "browser", "refresh": "1m",
        "time": {"from": time_from, "to": "now"},
        "annotations": {"list": [
            {"name": "Exporter restarts", "datasource": SOURCE, "enable": True, "hide": False, "iconColor": "blue",
             "expr": "changes(registry_exporter_config_last_reload_success_timestamp_seconds{job=~\"$job\"}[2m]) > 0",
             "titleFormat": "Exporter started or reloaded", "step": "60s"}]},
        "links": [{"type": "link", "title": title, "icon": "dashboard", "url": f"/d/registry-exporter-{other}/",
                   "keepTime": True, "includeVars": True, "targetBlank": False, "asDropdown": False, "tags": [],
                   "tooltip": ""} for other, title in TITLES.items() if other != name],
        "templating": {"list": variables()}, "panels": panels,
    }


# --- what they show ----------------------------------------------------------------------------------------

# An alert need not be about a registry, or a repository.
FIRING = (f'registry_exporter:alerts{{{TARGET}, registry=~"$registry|", repo_namespace=~"$namespace|", '
          'repo=~"$repository|"}')

FAILING_TABLE = {
    "Failed 24 h": f"topk(20, max by ({REPO}) ({recent('failed')}) > 0)",
    "Day before": f"max by ({REPO}) ({recent('failed', offset=' offset 1d')})",
    "Succeeded": f"max by ({REPO}) ({recent('success')})",
    "In a row": f"max by ({REPO}) (acr_consecutive_failed_builds{{{CHOSEN}}})",
    "Last failure": f'max by ({REPO}) (acr_last_build_end_timestamp_seconds{{status="failed", {CHOSEN}}}) * 1000',
}


def failing_table(title):
    return table(
        title, "Failed builds by the time they ended. New: many in the last 24 hours, none the day before. In a row: "
        "failures since the last success; 0 means that it has recovered.",
        FAILING_TABLE, "Failed 24 h", {"Last failure": "dateTimeFromNow"},
        {"Failed 24 h": steps((None, "text"), (1, ORANGE), (10, RED)),
         "In a row": steps((None, GREEN), (1, ORANGE), (3, RED))},
        no_value="No build failed within 24 hours", links=[("Repository", REPO_LINK)])


def deleted_recent(window="24h", at=""):
    return f'max by ({REPO}) (swr_retention_deletions_recent{{window="{window}", {CHOSEN}}}{at})'


BUSIEST = (f'max by ({REPO}) (max_over_time(swr_retention_deletions_recent{{window="24h", {CHOSEN}}}'
           "[6d:1h] offset 1d))")


def by_rule(template):
    return f'round(sum by ({REPO}) (increase(swr_retention_deletions_total{{template="{template}", {CHOSEN}}}[24h])))'


def deletions_table(title):
    return table(
        title, "Tags deleted within 24 hours, by the time of the deletion, against the busiest 24 hours of the six days "
        "before (ten tags at least). Twice as much is worth a look; what is a spike for the alert "
        "RegistryRetentionSpike depends on the hours, too. date_rule (by age), tag_rule (by number), other: which kind of "
        "rule deleted what became known within 24 hours, which is more after an outage.",
        {"Deleted 24 h": f"topk(20, {deleted_recent()} > 0)",
         "Busiest day": BUSIEST,
         "Of busiest": f"({deleted_recent()} > 0) / clamp_min({BUSIEST}, 10)",
         **{template: by_rule(template) for template in TEMPLATE},
         "Tags left": f"max by ({REPO}) (swr_repository_tags{{{CHOSEN}}})"},
        "Of busiest", {"Of busiest": "percentunit"},
        {"Of busiest": steps((None, "text"), (1.5, ORANGE), (2, RED)),
         "Tags left": steps((None, RED), (3, "text"))},
        no_value="Retention deleted nothing within 24 hours", links=[("Repository", RETENTION_LINK)])


ALERT_TABLE = table(
    "What is wrong now, where, since when",
    "Alerts that fire, newest first. " + RULES_HINT,
    {"Since": f"max by (alertname, severity, {REPO}) ({FIRING}) * 1000"},
    [{"displayName": "Severity", "desc": False}, {"displayName": "Since", "desc": True}], {"Since": "dateTimeFromNow"},
    widths={"Since": 118, "Alert": 212},
    texts=[{"matcher": {"id": "byName", "options": "Severity"}, "properties": [
        {"id": "mappings", "value": [{"type": "value", "options": {
            "critical": {"text": "critical", "color": RED, "index": 0},
            "warning": {"text": "warning", "color": ORANGE, "index": 1}}}]},
        {"id": "custom.cellOptions", "value": {"type": "color-text"}}]}],
    no_value="No alert fires (or the rules are not loaded)", links=[("Repository", REPO_LINK)])

REGISTRIES = stat(
    "Registries", "Whether the newest call to each cloud was answered and accepted the credentials.",
    now(f"min by (registry) (acr_up{{{REGISTRY}}} or swr_up{{{REGISTRY}}})", "{{registry}}"), "none",
    steps((None, RED), (1, GREEN)), "No registry",
    mappings=[{"type": "value", "options": {"0": {"text": "down", "index": 0}, "1": {"text": "up", "index": 1}}}])
REGISTRIES["options"]["textMode"] = "value_and_name"

FRESH = stat(
    "Data fresh", "The share of repositories that were read within ten minutes. Below 100 %, what is behind shows "
    "late; the dashboard Exporter tells which and why.",
    now("avg(time() - max by (registry, repo_namespace, repo) "
        f"(registry_exporter_repository_last_read_timestamp_seconds{{{CHOSEN}}}) < bool 600)"),
    "percentunit", steps((None, RED), (0.9, ORANGE), (0.99, GREEN)), "No repository", min=0, max=1, decimals=0)

MAY_BE_MISSING = stat(
    "Missed", "In 24 hours: lists in which records may have come and gone unseen, and records that were late, "
    "vanished while running, or could not be used. 0: every number is whole.",
    now(f"round(sum(increase(registry_exporter_history_gaps_total{{{REGISTRY}}}[24h])) "
        f'+ sum(increase(registry_exporter_records_total{{class=~"late|vanished|rejected", {REGISTRY}}}[24h])))'),
    thresholds=steps((None, GREEN), (1, ORANGE)))

BUILDS_PER_HOUR = series(
    "Builds per hour by status", "Builds that became known as finished within the hour before each point.",
    [hourly(f"sum by (status) (increase(acr_builds_total{{{CHOSEN}}}[1h]))", "{{status}}")],
    palette=STATUS, stacked=True, decimals=0)

DURATION = series(
    "Build duration", "Of successful builds that ended in the hour before each point. Dashed: the same a week "
    "earlier. With exemplars, a dot leads to a build's id.",
    [hourly("histogram_quantile(0.95, sum by (le) (increase(acr_build_duration_seconds_bucket"
            f'{{status="success", {CHOSEN}}}[1h])))', "95 % are quicker than", "A", exemplar=True),
     hourly("histogram_quantile(0.5, sum by (le) (increase(acr_build_duration_seconds_bucket"
            f'{{status="success", {CHOSEN}}}[1h])))', "Half are quicker than", "B"),
     hourly("histogram_quantile(0.95, sum by (le) (increase(acr_build_duration_seconds_bucket"
            f'{{status="success", {CHOSEN}}}[1h] offset 1w)))', "95 %, a week earlier", "C")],
    "s", {"95 % are quicker than": ORANGE, "Half are quicker than": BLUE}, extra=[dashed("95 %, a week earlier")],
    no_value="No successful build")

DELETIONS_PER_HOUR = series(
    "Retention deletions per hour by rule", "Tags deleted, as they became known: by age (date_rule), by number "
    "(tag_rule), otherwise. Dashed: all of them, a week earlier.",
    [hourly(f"sum by (template) (increase(swr_retention_deletions_total{{{CHOSEN}}}[1h]))", "{{template}}"),
     hourly(f"sum(increase(swr_retention_deletions_total{{{CHOSEN}}}[1h] offset 1w))", "a week earlier", "B")],
    palette=TEMPLATE, stacked=True, extra=[dashed("a week earlier")], decimals=0)

STATES = series(
    "Repositories by state", "fresh: read within max_staleness; stale: not; failing: its newest reading failed; pending: "
    "not read yet; dropped: over max_repositories.",
    [query(f"sum by (state) (registry_exporter_repositories{{{REGISTRY}}})", "{{state}}")], "none",
    palette=STATE, stacked=True)

AGE = series(
    "Age of the data", "Time since repositories were read: the oldest, and the median.",
    [query("max by (registry) (time() - registry_exporter_repository_last_read_timestamp_seconds"
           f"{{{CHOSEN}}})", "{{registry}}, oldest", "A"),
     query("quantile by (registry) (0.5, time() - "
           f"registry_exporter_repository_last_read_timestamp_seconds{{{CHOSEN}}})",
           "{{registry}}, median", "B")], "s")

RATIO_24H = f"sum({recent('success')}) / sum({recent('success|failed')})"


def mean_duration(newer, older):
    """The mean of three builds or more between two moments, given as offsets. Differences, not increase(): over days it is far dearer, and these
    counters survive restarts. What is younger than `older` began at 0."""
    def total(part):
        def at(moment):
            return f'max by ({REPO}) (acr_build_duration_seconds_{part}{{status="success", {CHOSEN}}}{moment})'
        return f"({at(newer)} - ({at(older)} or 0 * {at(newer)}))"
    return f"({total('sum')} / ({total('count')} >= 3))"


MEAN_NOW = mean_duration("", " offset 1d")
MEAN_BEFORE = mean_duration(" offset 1d", " offset 1w")


SLOWER = stat(
    "Builds slower", "Repositories whose successful builds, three or more, took in the mean of 24 hours half as long again as "
    "in the six days before, and a minute more.",
    now(f"count({MEAN_NOW} > 1.5 * {MEAN_BEFORE} and {MEAN_NOW} > 60 + {MEAN_BEFORE}) or vector(0)"), "none",
    steps((None, GREEN), (1, ORANGE)))


def slow_table():
    return table(
        "Slowest repositories, and are they getting slower?",
        "Mean duration of successful builds in 24 hours, where there were three or more, against the six days before. 100 % is "
        "as ever.",
        {"Mean 24 h": f"topk(20, {MEAN_NOW})",
         "Six days before": MEAN_BEFORE,
         "Of before": f"{MEAN_NOW} / {MEAN_BEFORE}",
         "Last build": f"max by ({REPO}) (acr_last_build_duration_seconds{{{CHOSEN}}})"},
        "Of before", {"Mean 24 h": "s", "Six days before": "s", "Of before": "percentunit", "Last build": "s"},
        {"Of before": steps((None, GREEN), (1.25, "text"), (1.5, ORANGE), (2, RED))},
        no_value="No successful build within 24 hours", links=[("Repository", REPO_LINK)])


def overview():
    return dashboard("overview", "Is anything wrong, where, since when; image builds (Alibaba Cloud ACR) and retention "
                     "deletions (Huawei Cloud SWR) at a glance.", [
        (4, [(2, stat("Alerts", "Alerts of the shipped rules that fire. " + RULES_HINT,
                      now(f"count({FIRING}) or vector(0)"), thresholds=steps((None, GREEN), (1, RED)))),
             (3, REGISTRIES),
             (3, stat("Failed, 24 h", "Builds that ended as failed in the last 24 hours.",
                      now(f"sum({recent('failed')})"), thresholds=steps((None, GREEN), (1, ORANGE)))),
             (3, stat("Success, 24 h", "Of the builds that ended as success or failed in the last 24 hours.",
                      now(RATIO_24H), "percentunit", steps((None, RED), (0.8, ORANGE), (0.95, GREEN)), "No builds",
                      decimals=1)),
             (2, stat("Broken", "Repositories whose last build failed.",
                      now(f"count(max by ({REPO}) (acr_last_build_success{{{CHOSEN}}}) == 0) or vector(0)"),
                      thresholds=steps((None, GREEN), (1, ORANGE)))),
             (3, SLOWER),
             (3, stat("Deleted, 24 h", "Tags that retention deleted in the last 24 hours.",
                      now(f'sum(swr_retention_deletions_recent{{window="24h", {CHOSEN}}})'))),
             (3, FRESH), (2, MAY_BE_MISSING)]),
        (9, [(11, ALERT_TABLE), (13, failing_table("Which repositories fail, and is it new?"))]),
        (8, [(12, BUILDS_PER_HOUR), (12, DURATION)]),
        (9, [(8, DELETIONS_PER_HOUR), (16, deletions_table("Did retention delete more than usual?"))]),
        (6, [(24, AGE)]),
    ])


def builds():
    by_namespace = "registry, repo_namespace"
    heatmap = panel(
        "heatmap", "How long builds take", "Finished builds by duration; the darker, the more. Exemplars lead to a "
        "build's id.",
        [query(f"sum by (le) (increase(acr_build_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))", "{{le}}",
               heatmap=True, exemplar=True)], "s",
        {"calculate": False, "cellGap": 1, "color": {"mode": "scheme", "scheme": "Blues", "steps": 32, "exponent": 0.5,
                                                     "fill": "dark-blue", "reverse": False},
         "exemplars": {"color": "rgba(255,120,0,0.8)"}, "filterValues": {"le": 1e-9},
         "legend": {"show": True}, "rowsFrame": {"layout": "auto"}, "showValue": "never",
         "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": False},
         "yAxis": {"axisPlacement": "left", "unit": "s", "reverse": False}}, "No builds",
        custom={"hideFrom": {"legend": False, "tooltip": False, "viz": False}})
    heatmap["maxDataPoints"] = 96
    return dashboard("builds", "Image builds of Alibaba Cloud ACR: how many fail, where, how long they take.", [
        (4, [(4, stat("Builds, 24 h", "Builds that ended as success or failed.", now(f"sum({recent('success|failed')})"))),
             (4, stat("Failed, 24 h", "Builds that ended as failed.", now(f"sum({recent('failed')})"),
                      thresholds=steps((None, GREEN), (1, ORANGE)))),
             (4, stat("Success, 24 h", "Of those that ended as success or failed.", now(RATIO_24H), "percentunit",
                      steps((None, RED), (0.8, ORANGE), (0.95, GREEN)), "No builds", decimals=1)),
             (4, SLOWER),
             (4, stat("In progress", "Builds that are pending or running.",
                      now(f"sum(acr_builds_in_progress{{{CHOSEN}}})"), background=False)),
             (4, stat("Stuck", "Builds in progress that started more than two hours ago: repositories that have one.",
                      now(f"count(time() - max by ({REPO}) (acr_build_oldest_in_progress_start_timestamp_seconds"
                          f"{{{CHOSEN}}}) > 7200) or vector(0)"), thresholds=steps((None, GREEN), (1, RED))))]),
        (8, [(12, BUILDS_PER_HOUR),
             (12, series("Share that succeeds, by namespace", "Of the builds that ended in the 24 hours before each "
                         "point; the ten namespaces that fail most at the end.",
                         [query(steady("bottomk(10", lambda at: f"sum by ({by_namespace}) ({recent('success', offset=at)}) "
                                       f"/ sum by ({by_namespace}) ({recent('success|failed', offset=at)})"),
                                "{{repo_namespace}}")], "percentunit", max=1))]),
        (9, [(15, failing_table("Failures ranked")),
             (9, table("By namespace", "Builds that ended within 24 hours.",
                       {"Builds 24 h": f"topk(20, sum by ({by_namespace}) ({recent('success|failed')}) > 0)",
                        "Failed": f"sum by ({by_namespace}) ({recent('failed')})",
                        "Succeeded": f"sum by ({by_namespace}) ({recent('success')}) "
                                     f"/ (sum by ({by_namespace}) ({recent('success|failed')}) > 0)"},
                       "Failed", {"Succeeded": "percentunit"},
                       {"Succeeded": steps((None, RED), (0.8, ORANGE), (0.95, GREEN))},
                       no_value="No builds within 24 hours", on=by_namespace))]),
        (9, [(12, DURATION), (12, heatmap)]),
        (9, [(14, slow_table()),
             (10, bars("Oldest builds in progress", "How long ago the oldest open build of a repository started.",
                       now(f"topk(12, time() - max by ({REPO}) (acr_build_oldest_in_progress_start_timestamp_seconds"
                           f"{{{CHOSEN}}}))", "{{repo_namespace}}/{{repo}}"), "s",
                       steps((None, GREEN), (3600, ORANGE), (7200, RED)), "No build is open"))]),
        (8, [(12, series("Share that succeeds, by repository", "Over seven days, as of each point: of those with five builds "
                         "or more, the ten that fail most at the end.",
                         [query(steady("bottomk(10", lambda at: f"max by ({REPO}) (acr_build_success_ratio"
                                       f'{{window="7d", {CHOSEN}}}{at}) and sum by ({REPO}) '
                                       f"({recent('success|failed', '7d', at)}) >= 5"), "{{repo_namespace}}/{{repo}}")],
                         "percentunit", max=1)),
             (12, bars("Longest since a success", "Repositories with builds in the last seven days, by the time since "
                       "the last one that succeeded.",
                       now(f'topk(12, time() - max by ({REPO}) (acr_last_build_end_timestamp_seconds'
                           f'{{status="success", {CHOSEN}}}) and max by ({REPO}) '
                           f'({recent("success|failed", "7d")}) > 0)', "{{repo_namespace}}/{{repo}}"), "s",
                       steps((None, GREEN), (86400, ORANGE), (259200, RED))))]),
        (4, [(12, stat("Without a usable duration, 24 h", "Counted builds whose end is missing or before their start: "
                       "not in the durations.",
                       now(f"round(sum(increase(registry_exporter_durations_invalid_total{{{REGISTRY}}}[24h])))"),
                       background=False)),
             (12, stat("Of unknown status, 24 h", "How often a status was met that the exporter does not know; "
                       "metrics.build_statuses maps it.",
                       now(f"round(sum(increase(registry_exporter_unknown_statuses_total{{{REGISTRY}}}[24h])))"),
                       background=False))]),
    ])


def retention():
    def hour_usual(at):
        return f"clamp_min(max by ({REPO}) (registry_repo:swr_retention_deletions:max_recent1h_1w{at}), 7)"

    def largest(metric):
        return query(steady("topk(10", lambda at: f"sum by (registry, repo_namespace) (max by ({REPO}) ({metric}{{{CHOSEN}}}{at}))"),
                     "{{repo_namespace}}")
    rules = table("Rules in force", "As the cloud lists them, with collect_rules: keep is days for date_rule, a number of "
                  "tags for tag_rule.",
                  {"Rule is there": f"topk(50, max by ({REPO}, template, keep) (swr_retention_rule_info{{{CHOSEN}}}))"},
                  "Repository", widths={"Rule is there": 100},
                  no_value="No rule, or collect_rules is off")
    return dashboard("retention", "Retention (aging) of Huawei Cloud SWR: what was deleted, by which rule, and what is "
                     "left.", [
        (4, [(4, stat("Deleted, 1 h", "Tags deleted within the last hour.",
                      now(f'sum(swr_retention_deletions_recent{{window="1h", {CHOSEN}}})'))),
             (4, stat("Deleted, 24 h", "Tags deleted within the last 24 hours.",
                      now(f'sum(swr_retention_deletions_recent{{window="24h", {CHOSEN}}})'))),
             (4, stat("Of the busiest day", "Deletions of 24 hours against the busiest 24 hours of the six days before, "
                      "all chosen repositories together.",
                      now(f'sum(swr_retention_deletions_recent{{window="24h", {CHOSEN}}}) / clamp_min(max_over_time(sum('
                          f'swr_retention_deletions_recent{{window="24h", {CHOSEN}}})[6d:1h] offset 1d), 1)'),
                      "percentunit", steps((None, GREEN), (1.5, ORANGE), (2, RED)), "No history yet", decimals=0)),
             (4, stat("Far more than usual", "Repositories in which retention deleted more than twice as much as in the "
                      "busiest 24 hours of the six days before, and 20 tags more.",
                      now(f"count({deleted_recent()} > 2 * {BUSIEST} and {deleted_recent()} > 20 + {BUSIEST}) or vector(0)"),
                      thresholds=steps((None, GREEN), (1, RED)))),
             (4, stat("Almost empty", "Repositories with at most two tags left in which retention deleted some within 24 "
                      "hours.",
                      now(f"count(max by ({REPO}) (swr_repository_tags{{{CHOSEN}}}) <= 2 and {deleted_recent()} > 0) "
                          "or vector(0)"), thresholds=steps((None, GREEN), (1, RED)))),
             (4, stat("Stored", "Size of the chosen repositories.",
                      now(f"sum(max by ({REPO}) (swr_repository_size_bytes{{{CHOSEN}}}))"), "bytes", background=False))]),
        (9, [(8, DELETIONS_PER_HOUR), (16, deletions_table("More than usual? Where, by which rule?"))]),
        (8, [(12, series("Spikes against what is usual", "Tags deleted within the hour before each point, as a multiple of the "
                         "repository's busiest hour in the week before (seven tags at least): the eight that rose highest. "
                         "Above the dashed line it is a spike. " + RULES_HINT,
                         [query(f"{deleted_recent('1h')} / {hour_usual('')} and topk(8, max by ({REPO}) (max_over_time("
                                f'swr_retention_deletions_recent{{window="1h", {CHOSEN}}}[$__range] @ end())) '
                                f"/ {hour_usual(' @ start()')})", "{{repo_namespace}}/{{repo}}"),
                          query('max(registry_exporter:threshold and on (name) label_replace('
                                'vector(1), "name", "retention_spike_factor", "", ""))', "spike", "B")],
                         unit="none", extra=[dashed("spike", RED)])),
             (12, series("Deleting most", "Tags deleted within the 24 hours before each point: the eight repositories that "
                         "have lost most at the end.",
                         [query(steady("topk(8", lambda at: deleted_recent(at=at)), "{{repo_namespace}}/{{repo}}")]))]),
        (8, [(12, series("Tags", "All tags of the chosen repositories, by namespace: the ten largest.",
                         [largest("swr_repository_tags")])),
             (12, series("Size", "Of the chosen repositories, by namespace: the ten largest.",
                         [largest("swr_repository_size_bytes")], "bytes"))]),
        (9, [(12, table("Fewest tags left", "Of repositories in which retention deleted within seven days.",
                        {"Tags left": f"bottomk(20, max by ({REPO}) (swr_repository_tags{{{CHOSEN}}}) "
                                      f"and {deleted_recent('7d')} > 0)",
                         "Deleted 7 d": deleted_recent("7d"),
                         "Last deletion": f"max by ({REPO}) (swr_last_retention_deletion_timestamp_seconds{{{CHOSEN}}}) "
                                          "* 1000"},
                        [{"displayName": "Tags left", "desc": False}], {"Last deletion": "dateTimeFromNow"},
                        {"Tags left": steps((None, RED), (3, "text"))}, no_value="Nothing was deleted within seven days",
                        links=[("Repository", RETENTION_LINK)])),
             (12, rules)]),
    ])


def exporter():
    calls = f"registry_exporter_api_requests_total{{{REGISTRY}}}"
    not_ok = f'registry_exporter_api_requests_total{{outcome!="ok", {REGISTRY}}}'
    return dashboard("exporter", "Can the numbers be trusted? How fresh they are, how the clouds answer, how the exporter "
                     "does.", [
        (4, [(5, REGISTRIES), (3, FRESH), (3, MAY_BE_MISSING),
             (3, stat("Books", "Records by which the books do not balance. Anything but 0 is a fault of the exporter.",
                      now(f"sum(abs(registry_exporter_ledger_imbalance{{{REGISTRY}}}))"), "none",
                      steps((None, GREEN), (1, RED)),
                      mappings=[{"type": "value", "options": {"0": {"text": "balance", "index": 0}}}])),
             (4, stat("Last complete collection", "Time since the last cycle that left nothing unread, of the registry "
                      "that is furthest behind.",
                      now(f"max(time() - registry_exporter_collection_last_success_timestamp_seconds{{{REGISTRY}}})"), "s",
                      steps((None, GREEN), (600, ORANGE), (1800, RED)), "Never")),
             (3, stat("State written", "Commits to the state file that failed within an hour.",
                      now('round(sum(increase(registry_exporter_state_commits_total{result="error", ' + TARGET + "}[1h])))"), "none",
                      steps((None, GREEN), (1, RED)),
                      mappings=[{"type": "value", "options": {"0": {"text": "well", "index": 0}}}])),
             (3, stat("Keys expire in", "The soonest; the exporter renews them long before. Keys for good have no expiry.",
                      now(f"min(registry_exporter_credentials_expiry_timestamp_seconds{{{REGISTRY}}} - time())"), "s",
                      steps((None, RED), (300, GREEN)), "never"))]),
        (8, [(12, STATES), (12, AGE)]),
        (8, [(12, series("API calls that were not answered well", "By outcome, calls per second. ok is left out: see the "
                         "next panel.",
                         [query(f"sum by (registry, outcome) (rate({not_ok}[$__rate_interval])) > 0",
                                "{{registry}} {{outcome}}")], "reqps", no_value="All calls were answered well")),
             (12, series("API calls and the rate in force", "Calls per second, and the rate in force (dashed). Below the "
                         "configured one, the cloud has throttled.",
                         [query(f"sum by (registry) (rate({calls}[$__rate_interval]))", "{{registry}}"),
                          query(f"max by (registry) (registry_exporter_rate_limit_requests_per_second{{{REGISTRY}}})",
                                "{{registry}}, in force", "B")], "reqps", extra=[{
                                    "matcher": {"id": "byRegexp", "options": "/in force/"}, "properties": [
                                        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}},
                                        {"id": "custom.fillOpacity", "value": 0}]}]))]),
        (8, [(8, series("How long calls take", "90 % of the calls of an operation are quicker than this.",
                        [query("histogram_quantile(0.9, sum by (registry, operation, le) (rate("
                               f"registry_exporter_api_request_duration_seconds_bucket{{{REGISTRY}}}[$__rate_interval])))",
                               "{{operation}}")], "s")),
             (8, series("Collection", "Length of the last cycle.",
                        [query(f"max by (registry) (registry_exporter_collection_duration_seconds{{{REGISTRY}}})",
                               "{{registry}}")], "s")),
             (8, series("Scrapes", "complete; partial: answered at the deadline while the collection went on; cached: sooner "
                        "than min_interval. Per minute.",
                        [query(f"sum by (result) (rate(registry_exporter_scrapes_total{{{TARGET}}}[$__rate_interval])) * 60",
                               "{{result}}")], "short",
                        {"complete": GREEN, "partial": ORANGE, "cached": BLUE}, stacked=True))]),
        (8, [(8, series("Records, by what became of them", "Per hour: counted; late: met too late to be sure that they are "
                        "new; vanished: gone while running; rejected: without a usable id; baseline: history at the start.",
                        [query(f"sum by (class) (increase(registry_exporter_records_total{{{REGISTRY}}}[1h]))",
                               "{{class}}")],
                        palette={"counted": GREEN, "late": ORANGE, "vanished": RED, "rejected": "purple",
                                 "baseline": GREY}, decimals=0)),
             (8, series("Gaps and rejected records", "Per hour: lists in which records may have come and gone unseen, and "
                        "records without a usable id, by reason. Now: lists whose end is out of reach.",
                        [query(f"sum by (registry) (increase(registry_exporter_history_gaps_total{{{REGISTRY}}}[1h]))",
                               "{{registry}}, gaps"),
                         query(f"sum by (reason) (increase(registry_exporter_records_rejected_total{{{REGISTRY}}}[1h]))",
                               "{{reason}}", "B"),
                         query(f"count by (registry) (registry_exporter_repository_first_unreadable_row{{{CHOSEN}}})",
                               "{{registry}}, not read to the end", "C")], decimals=0)),
             (8, series("Sweeps", "Whole readings of a list, per hour; error: not clean, repeated.",
                        [query(f"sum by (registry, result) (increase(registry_exporter_sweeps_total{{{REGISTRY}}}[1h]))",
                               "{{registry}} {{result}}")], decimals=0))]),
        (8, [(8, table("Repositories that can not be read", "The newest reading failed, for this reason.",
                        {"Failing": f"topk(50, max by ({REPO}, reason) "
                                    f"(registry_exporter_repository_failing{{{CHOSEN}}}))"}, "Repository",
                        widths={"Failing": 80}, no_value="All can be read")),
             (16, table("Processes", "Each exporter that is scraped: shard, configuration, when counting began, whether its "
                        "state was damaged, since when it runs.",
                        {"Shard": f"max by (instance) (registry_exporter_shard_ordinal{{{TARGET}}}) + on (instance) group_left (version) "
                                  f"0 * max by (instance, version) (registry_exporter_build_info{{{TARGET}}})",
                         "Of": f"max by (instance) (registry_exporter_total_shards{{{TARGET}}})",
                         "Config good": f"max by (instance) (registry_exporter_config_last_reload_successful{{{TARGET}}})",
                         "Config read": "max by (instance) "
                                        f"(registry_exporter_config_last_reload_success_timestamp_seconds{{{TARGET}}}) * 1000",
                         "Counting since": f"max by (instance) (registry_exporter_state_created_timestamp_seconds{{{TARGET}}}) * 1000",
                         "Damage set aside": f"max by (instance) (registry_exporter_state_recovered{{{TARGET}}})",
                         "Running since": f"max by (instance) (process_start_time_seconds{{{TARGET}}}) * 1000"},
                        "Shard", {"Config read": "dateTimeFromNow", "Counting since": "dateTimeFromNow",
                                  "Running since": "dateTimeFromNow"},
                        {"Config good": steps((None, RED), (1, GREEN)),
                         "Damage set aside": steps((None, GREEN), (1, RED))}))]),
        (7, [(6, series("Memory", "Resident memory of each process.",
                        [query('process_resident_memory_bytes{' + TARGET + '}', "{{instance}}")], "bytes")),
             (6, series("Processor", "Seconds of processor time per second.",
                        [query('rate(process_cpu_seconds_total{' + TARGET + '}[$__rate_interval])',
                               "{{instance}}")], "percentunit")),
             (6, series("State on disk", "Size of the state file and its journal.",
                        [query(f"registry_exporter_state_size_bytes{{{TARGET}}}", "{{instance}}")], "bytes")),
             (6, series("Descriptors and threads", "Open file descriptors, and threads.",
                        [query('process_open_fds{' + TARGET + '}', "{{instance}} descriptors"),
                         query('process_threads{' + TARGET + '}', "{{instance}} threads", "B")]))]),
    ])


def main():
    """Writes the dashboards; with --check, exit 1 where one is not what would be written."""
    same = True
    for make in (overview, builds, retention, exporter):
        made = make()
        path = FOLDER / (made["uid"].removeprefix("registry-exporter-") + ".json")
        content = json.dumps(made, indent=2) + "\n"
        if "--check" in sys.argv:
            same = same and path.exists() and path.read_text() == content
        else:
            path.write_text(content)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
