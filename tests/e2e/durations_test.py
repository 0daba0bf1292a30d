"""Every rule and panel on durations gives the same answer, whether a Prometheus stores classic
histograms, native ones, or both."""

import bisect
import contextlib
import http.client
import http.server
import json
import math
import pathlib
import re
import threading
import time
import unittest
import urllib.request

from harness import DIRECTLY, World, need_prometheus, start_prometheus, wait_for
from native_test import WIDTH, Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
HISTOGRAM = re.compile(r"(?<![:\w])(acr_build|registry_exporter_api_request)_duration_seconds")
BOUNDS = {"acr_build": (0, 10, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600, 7200),
          "registry_exporter_api_request": (0, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)}
JOB = """
  - job_name: {name}
    static_configs: [{{targets: ["{target}"]}}]
    relabel_configs:
      - {{target_label: job, replacement: exporter}}
      - {{target_label: instance, replacement: exporter}}
"""
CLASSIC_ALONE = """
    metric_relabel_configs:
      - {source_labels: [__name__], regex: ".+_duration_seconds_(bucket|sum|count)", action: keep}
"""
CONFIG = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:"
BOTH_COUNTS = ("sum(acr_build_duration_seconds_count)",
               "histogram_count(sum(acr_build_duration_seconds))")


class TextAlone(http.server.BaseHTTPRequestHandler):
    """Passes scrapes on and asks for the text format."""

    target = None

    def do_GET(self):
        headers = {name: value for name, value in self.headers.items() if name != "Accept"}
        asked = urllib.request.Request(f"http://{self.target}{self.path}", headers=headers)
        with contextlib.suppress(OSError, http.client.HTTPException):  # Whoever left comes again.
            with DIRECTLY.open(asked) as answer:
                self.send_response(200)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.read())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def text_alone(target):
    handler = type("Handler", (TextAlone,), {"target": target})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def expressions():
    """{where it stands: PromQL} of everything that reads a histogram of durations."""
    found = {}
    for path in sorted((ROOT / "config/prometheus/rules").glob("*.yml")):
        rules = re.split(r"^ *- (?=record:|alert:)", path.read_text(), flags=re.M)
        for rule in rules[1:]:
            expression = re.search(r"^( *)expr: (?:\|\n((?:\1 .*\n|\n)+)|(.*))", rule, flags=re.M)
            found[f"{path.name}: {rule.splitlines()[0]}"] = expression[2] or expression[3]
    for path in sorted((ROOT / "grafana/dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text())
        chosen = {each["name"]: each.get("allValue") or ".*"
                  for each in dashboard["templating"]["list"]}
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                found[f"{path.stem}: {panel['title']} {target['refId']}"] = re.sub(
                    r"\$(?!__)(\w+)", lambda name: chosen[name[1]], target["expr"])
    return {place: text for place, text in found.items() if HISTOGRAM.search(text)}


class Durations(unittest.TestCase):
    def setUp(self):
        need_prometheus(self)

    def servers(self, world, exporter, text):
        direct = JOB.format(name="direct", target=exporter.address)
        through_text = JOB.format(name="text", target=text) + CLASSIC_ALONE
        servers = {}
        for kind, jobs, flags in (
                ("classic", direct, ()),
                ("native", direct, ("--enable-feature=native-histograms",)),
                ("both", direct + through_text, ("--enable-feature=native-histograms",))):
            folder = world.folder / kind
            folder.mkdir()
            config = folder / "prometheus.yml"
            config.write_text(CONFIG + jobs)
            servers[kind] = Server(start_prometheus(self, config, folder, *flags))
        return servers

    def edge(self, world, servers):
        """All of them have stored everything: when that was. They scrape again before more comes."""
        builds = sum(map(len, world.durations().values()))

        def stored():
            return {kind: [server.values(each).get(()) for each in BOTH_COUNTS]
                    for kind, server in servers.items()}

        wanted = {"classic": [builds, None], "native": [None, builds], "both": [builds, builds]}
        self.assertTrue(wait_for(lambda: stored() == wanted, timeout=60), (stored(), wanted))
        at = time.time()
        time.sleep(2)
        return at

    def test_rules_and_panels_answer_alike_whatever_is_stored(self):
        asked = expressions()
        self.assertGreater(len(asked), 10, list(asked))
        with World() as world, contextlib.ExitStack() as stack:
            world.simulator("--repositories=12", "--speed=0", "--latency=60ms")
            world.configure(initial_history="count", min_interval="100ms", max_staleness="500ms")
            exporter = world.exporter()
            text = stack.enter_context(text_alone(exporter.address))
            servers = self.servers(world, exporter, text)
            edges = [self.edge(world, servers)]
            for _ in range(3):
                world.control(speed=5000)
                time.sleep(4)
                world.control(speed=0)
                edges.append(self.edge(world, servers))
            for place, expression in asked.items():
                with self.subTest(place):
                    self.compare(servers, squeezed(expression, edges), edges[3])

    def compare(self, servers, expression, at):
        family = HISTOGRAM.search(expression)[1]
        answers = {kind: answer(server.query(expression, at)) for kind, server in servers.items()}
        self.assertTrue(any(answers["classic"].values()), expression)
        if any("le" in dict(labels) for labels in answers["classic"]):  # The heatmap.
            self.assertEqual(answers["both"].keys(), answers["classic"].keys())
            everything = max(answers["classic"].values())
            self.assertTrue(math.isclose(answers["native"][()], everything, rel_tol=WIDTH - 1),
                            answers)
            return
        for kind in ("native", "both"):
            self.assertEqual(answers[kind].keys(), answers["classic"].keys(), (kind, expression))
            for labels, value in answers[kind].items():
                self.assertTrue(alike(value, answers["classic"][labels], BOUNDS[family]
                                      if "histogram_quantile" in expression else None),
                                (kind, labels, value, answers["classic"][labels], expression))


def squeezed(expression, edges):
    """Asks about the time between the edges instead of hours and days."""
    first, second, third, last = (round(edge * 1000) for edge in edges)
    hour, day, week, longer = (f"{each}ms" for each in (
        last - third, last - third, last - second, last - second))
    expression = expression.replace("[1h] offset 1w", f"[{second - first}ms] offset {week}")
    for written, meant in (("[1h]", f"[{hour}]"), ("[6h]", f"[{longer}]"),
                           ("[$__rate_interval]", f"[{hour}]"), ("offset 1d", f"offset {day}"),
                           ("offset 1w", f"offset {week}"),
                           # Some are slower than before, but not so much.
                           (" > 1.5 * ", " > 0.9 * "), (" > 60 + ", " > 1 + ")):
        expression = expression.replace(written, meant)
    assert not re.search(r"\[\d+[smhdw]\]|offset \d+[smhdw]\b|\$", expression), expression
    return expression


def answer(result):
    """{labels: value}; of a histogram its count."""
    found = {}
    for each in result:
        labels = tuple(sorted((k, v) for k, v in each["metric"].items() if k != "__name__"))
        assert labels not in found, result
        found[labels] = float(each["histogram"][1]["count"] if "histogram" in each
                              else each["value"][1])
    return found


def alike(value, classic, bounds):
    """Within a native bucket's width. Of a quantile that is all the native answer knows, and the
    classic one no more than the bucket that it is in."""
    if math.isnan(value) or math.isnan(classic):  # Nothing happened.
        return math.isnan(value) and math.isnan(classic)
    if bounds is None:
        return math.isclose(value, classic, rel_tol=WIDTH - 1)
    low = bounds[max(0, bisect.bisect_left(bounds, value / WIDTH) - 1)]
    high = bounds[min(bisect.bisect_left(bounds, value * WIDTH), len(bounds) - 1)]
    return low / WIDTH <= classic <= high * WIDTH


if __name__ == "__main__":
    unittest.main()
