"""Dashboards, rules and documents name only what the exporter exposes, all of it is named somewhere, and every
panel explains itself."""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAMILIES = sorted((ROOT / "exporter/exposition").glob("*_families.cc"))
DASHBOARDS = sorted((ROOT / "grafana/dashboards").glob("*.json"))
RULES = sorted((ROOT / "config/prometheus/rules").glob("*.yml"))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Not in any dashboard or rule, on purpose.
FOR_OTHERS = {
    "swr_repository_downloads",  # the cloud's own, may fall
    "registry_exporter_clock_offset_seconds",  # followed by itself
    "acr_repository_info",  # to be joined
    "registry_exporter_exposition_bytes",  # to be compared with the scraper's own limit
}

SCOPE_LABELS = {"process": set(), "registry": {"registry"}, "repository": {"registry", "repo_namespace", "repo"},
                "repo_namespace": {"registry", "repo_namespace"}, "policy": {"registry", "policy"}}
TARGET_LABELS = {"job", "instance", "pod"}
# What Prometheus itself makes of rules and targets.
ALERT_LABELS = {"alertname", "alertstate", "severity", "burn", "team", "registry", "repo_namespace", "repo", "policy", "list"}
OF_PROMETHEUS = {"up": set(), "ALERTS": ALERT_LABELS, "ALERTS_FOR_STATE": ALERT_LABELS}
# The level in front of a recorded name says which labels are left.
LEVELS = {"registry": {"registry"}, "namespace": {"repo_namespace"}, "repo": {"repo_namespace", "repo"},
          "status": {"status"}, "template": {"template"}, "team": {"team"}, "policy": {"policy"}}
WORDS = {"and", "or", "unless", "offset", "bool"}


def catalog():
    """Every sample name the exporter can expose, with its labels."""
    family = re.compile(r'\{"(\w+)", (counter|gauge|histogram), (process|registry|repository|repo_namespace|policy), "([\w,*]*)",')
    samples = {}
    for name, kind, scope, own in family.findall("".join(path.read_text() for path in FAMILIES)):
        # The user's own labels: those of the example in the documents.
        own = own.replace("label_*", "label_team,label_tier")
        labels = SCOPE_LABELS[scope] | set(filter(None, own.split(",")))
        if kind == "histogram":
            samples[name + "_bucket"] = labels | {"le"}
            # Under its own name it is a native one.
            samples[name] = samples[name + "_sum"] = samples[name + "_count"] = labels
        else:
            samples[name] = labels
    return samples


def selectors(query):
    """The (metric, label names matched) of each selector in a PromQL query or a label_values()."""
    listed = re.fullmatch(r"label_values\((.*), \w+\)", query)
    query = listed.group(1) if listed else query
    query = re.sub(r'"[^"]*"', '""', query)
    query = re.sub(r"\b(by|without|on|ignoring|group_left|group_right) *(\([^)]*\))?", " ", query)
    query = re.sub(r"\[[^\]]*\]", "", query)
    found = re.findall(r"(?<![\w.:$])([a-zA-Z_:][\w:]*)(\{[^}]*\})?(?! *\()(?![\w:])", query)
    query_words = ((name, matchers) for name, matchers in found if name not in WORDS)
    for name, matchers in query_words:
        if not re.fullmatch(r"\d.*", name):
            yield name, set(re.findall(r"(\w+) *(?:=~|!~|!=|=)", matchers))


def rule_queries(text):
    """The expressions of a rule file."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = re.match(r"( *)expr: (.*)", line)
        if not match:
            continue
        if match.group(2) != "|":
            yield match.group(2)
            continue
        block = []
        for following in lines[number + 1:]:
            if following.strip() and not following.startswith(match.group(1) + "  "):
                break
            block.append(following)
        yield " ".join(block)


def recorded():
    """The names that the rules record, with their labels."""
    names = {"registry_exporter:threshold": {"name"},
             "registry_exporter:alerts": ALERT_LABELS - {"alertstate"}}
    for path in RULES:
        for name in re.findall(r"^ *- record: (\S+)", path.read_text(), re.M):
            level = name.split(":")[0]
            if name not in names:
                names[name] = set().union(*(LEVELS[word] for word in level.split("_")))
    return names


def grouping_labels(query):
    """The labels in by (…), without (…), on (…) and the like."""
    for listed in re.findall(r"\b(?:by|without|on|ignoring|group_left|group_right) *\(([^)]*)\)", query):
        yield from filter(None, re.split(r"[ ,]+", listed))


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


class Dashboards(unittest.TestCase):
    def each(self):
        self.assertTrue(DASHBOARDS)
        for path in DASHBOARDS:
            yield path.name, json.loads(path.read_text())

    def check(self, query, known, place):
        names = list(selectors(query))
        self.assertTrue(names, f"{place}: names no metric: {query}")
        for name, labels in names:
            self.assertIn(name, known, f"{place}: {query}")
            self.assertLessEqual(labels, known[name] | TARGET_LABELS, f"{place}: {query}")

    def test_every_query_names_only_metrics_and_labels_of_the_catalogue(self):
        known = catalog() | OF_PROMETHEUS | recorded()
        self.assertGreater(len(known), 40)
        for name, dashboard in self.each():
            for panel in panels(dashboard):
                for target in panel.get("targets", []):
                    self.check(target["expr"], known, f"{name}: {panel['title']}")
            for variable in dashboard["templating"]["list"]:
                if variable["type"] == "query":
                    self.check(variable["query"]["query"], known, f"{name}: ${variable['name']}")

    def test_every_rule_names_only_metrics_of_the_catalogue_or_recorded_ones(self):
        known = catalog() | OF_PROMETHEUS | recorded()
        labels = set().union(*known.values()) | TARGET_LABELS | {"shard"}
        for path in RULES:
            text = path.read_text()
            for query in rule_queries(text):
                self.check(re.sub(r"offset \w+", "", query), known, path.name)
                self.assertLessEqual(set(grouping_labels(query)), labels, query)
            self.assertLessEqual(set(re.findall(r"\$labels\.(\w+)", text)), labels, path.name)

    def test_documents_name_only_metrics_of_the_catalogue_or_recorded_ones(self):
        families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in catalog()}
        known = set(catalog()) | families | {re.sub("_total$", "", name) for name in families} | set(recorded())
        # Neither a path, nor the tag of an image, nor a source file.
        words = r"(?<![\w/])(?:(?:acr|swr|registry_exporter|registry_\w+)_\w+(?::\w+:\w+)?|registry_exporter:[a-z]\w*)\b(?!\.cc)"
        not_metrics = {"registry_exporter", "registry_simulator", "swr_ee"} | {
            word for path in RULES for word in re.findall(r"- name: (\w+)", path.read_text())}
        for path in DOCUMENTS:
            for word in re.findall(words, path.read_text()):
                self.assertIn(word, known | not_metrics, path.name)
            for query in re.findall(r"```promql\n(.*?)```", path.read_text(), re.S):
                self.check(re.sub(r"offset \w+", "", query), catalog() | OF_PROMETHEUS | recorded(), path.name)

    def test_everything_exposed_is_in_a_dashboard_or_a_rule(self):
        text = " ".join(path.read_text() for path in DASHBOARDS + RULES)
        for family in {re.sub(r"_(bucket|sum|count)$", "", name) for name in catalog()}:
            if family.startswith("process_"):
                continue
            used = bool(re.search(family + r"(_bucket|_sum|_count)?\b", text))
            self.assertEqual(used, family not in FOR_OTHERS, family)

    def test_dashboards_lead_to_each_other_and_keep_the_selection(self):
        uids = {dashboard["uid"] for _, dashboard in self.each()}
        for name, dashboard in self.each():
            targets = {link["url"].strip("/").split("/")[1] for link in dashboard["links"]}
            self.assertEqual(targets, uids - {dashboard["uid"]}, name)
            self.assertTrue(all(link["includeVars"] and link["keepTime"] for link in dashboard["links"]), name)
            self.assertEqual([variable["name"] for variable in dashboard["templating"]["list"]],
                             ["datasource", "job", "instance", "registry", "namespace", "repository"], name)

    def test_every_panel_has_a_description_and_a_unit_and_reads_the_chosen_data_source(self):
        for name, dashboard in self.each():
            for panel in panels(dashboard):
                place = f"{name}: {panel['title']}"
                if panel["type"] in ("row", "text"):
                    continue
                self.assertTrue(panel.get("description"), place)
                self.assertTrue(panel["fieldConfig"]["defaults"].get("unit"), place)
                self.assertEqual(panel["datasource"]["uid"], "${datasource}", place)
                for target in panel["targets"]:
                    self.assertEqual(target["datasource"]["uid"], "${datasource}", place)

    def test_no_duration_is_a_fraction_of_minutes_or_hours(self):
        """Grafana's own unit for seconds says 33.3 mins and 1.04 days."""
        below_a_minute = {"How long calls take"}
        for name, dashboard in self.each():
            for panel in panels(dashboard):
                config = panel["fieldConfig"]
                units = [config["defaults"]["unit"]] + [each["value"] for override in config["overrides"]
                                                        for each in override["properties"] if each["id"] == "unit"]
                if panel["title"] not in below_a_minute:
                    self.assertFalse({"s", "m", "h", "d"} & set(units), f"{name}: {panel['title']}")

    def test_graphs_in_minutes_ask_for_minutes(self):
        for name, dashboard in self.each():
            for panel in panels(dashboard):
                in_minutes = panel["fieldConfig"]["defaults"]["unit"] == "suffix:min"
                for target in panel["targets"]:
                    self.assertEqual(target["expr"].endswith(") / 60"), in_minutes, f"{name}: {panel['title']}")
                    # An exemplar's value stays in seconds.
                    self.assertFalse(in_minutes and target.get("exemplar"), f"{name}: {panel['title']}")

    def test_dashboards_can_be_provisioned_as_they_are(self):
        uids = set()
        for name, dashboard in self.each():
            self.assertIsNone(dashboard["id"], name)
            self.assertTrue(dashboard["uid"], name)
            self.assertNotIn(dashboard["uid"], uids, name)
            self.assertNotIn("__inputs", dashboard, name)
            self.assertEqual(dashboard["schemaVersion"], 42, name)
            uids.add(dashboard["uid"])

    def test_each_dashboard_has_its_picture_in_the_documents_and_none_is_large(self):
        text = (ROOT / "docs/dashboards.md").read_text()
        for path in DASHBOARDS:
            self.assertIn(f"(pictures/{path.stem}.png)", text)
            self.assertLess((ROOT / f"docs/pictures/{path.stem}.png").stat().st_size, 250_000, path.stem)

    def test_panels_have_ids_of_their_own_and_do_not_overlap(self):
        for name, dashboard in self.each():
            taken, ids = set(), set()
            for panel in panels(dashboard):
                place = f"{name}: {panel['title']}"
                self.assertNotIn(panel["id"], ids, place)
                ids.add(panel["id"])
                at = panel["gridPos"]
                self.assertLessEqual(at["x"] + at["w"], 24, place)
                cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                self.assertFalse(cells & taken, place)
                taken |= cells


if __name__ == "__main__":
    unittest.main()
