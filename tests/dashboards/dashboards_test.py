"""Dashboards and rules name only what the exporter exposes, and every panel explains itself."""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATALOG = ROOT / "exporter/exposition/catalog.cc"
DASHBOARDS = sorted((ROOT / "grafana/dashboards").glob("*.json"))
RULES = sorted((ROOT / "config/prometheus/rules").glob("*.yml"))

SCOPE_LABELS = {"process": set(), "registry": {"registry"}, "repository": {"registry", "repo_namespace", "repo"}}
TARGET_LABELS = {"job", "instance"}
WORDS = {"and", "or", "unless", "offset", "bool"}


def catalog():
    """Every sample name the exporter can expose, with its labels."""
    family = re.compile(r'\{"(\w+)", (counter|gauge|histogram), (process|registry|repository), "([\w,]*)",')
    samples = {}
    for name, kind, scope, own in family.findall(CATALOG.read_text()):
        labels = SCOPE_LABELS[scope] | set(filter(None, own.split(",")))
        if kind == "histogram":
            samples[name + "_bucket"] = labels | {"le"}
            samples[name + "_sum"] = samples[name + "_count"] = labels
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
    """The expressions of a rule file, and the names that it records."""
    lines = text.splitlines()
    queries = []
    for number, line in enumerate(lines):
        match = re.match(r"( *)expr: (.*)", line)
        if not match:
            continue
        if match.group(2) != "|":
            queries.append(match.group(2))
            continue
        block = []
        for following in lines[number + 1:]:
            if following.strip() and not following.startswith(match.group(1) + "  "):
                break
            block.append(following)
        queries.append(re.sub(r"\b1d\b", "", " ".join(block)))
    return queries, set(re.findall(r"^ *- record: (\S+)", text, re.M))


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
        known = catalog()
        self.assertGreater(len(known), 40)
        for name, dashboard in self.each():
            for panel in panels(dashboard):
                for target in panel.get("targets", []):
                    self.check(target["expr"], known, f"{name}: {panel['title']}")
            for variable in dashboard["templating"]["list"]:
                if variable["type"] == "query":
                    self.check(variable["query"]["query"], known, f"{name}: ${variable['name']}")

    def test_every_rule_names_only_metrics_of_the_catalogue_or_recorded_ones(self):
        known = catalog() | {"up": set()}
        recorded = {}
        for path in RULES:
            for name in rule_queries(path.read_text())[1]:
                recorded[name] = {"status", "registry", "repo_namespace", "repo"}
        for path in RULES:
            queries = rule_queries(path.read_text())[0]
            self.assertTrue(queries)
            for query in queries:
                self.check(re.sub(r"offset \w+", "", query), known | recorded, path.name)

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

    def test_dashboards_can_be_provisioned_as_they_are(self):
        uids = set()
        for name, dashboard in self.each():
            self.assertIsNone(dashboard["id"], name)
            self.assertTrue(dashboard["uid"], name)
            self.assertNotIn(dashboard["uid"], uids, name)
            self.assertNotIn("__inputs", dashboard, name)
            self.assertEqual(dashboard["schemaVersion"], 39, name)
            uids.add(dashboard["uid"])

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
