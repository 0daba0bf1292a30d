"""Every query of every dashboard, asked of a real Prometheus that scrapes the real exporter: none is refused, and each
gives data but those that look days back."""

import json
import os
import pathlib
import re
import shutil
import sys
import time
import unittest
import urllib.error
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from demo import DIRECTLY  # noqa: E402
from stack import PORTS, ROOT, Stack  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
PATIENCE = 180
# What Grafana puts in for a dashboard of the last minute.
BUILT_IN = {"__interval": "1s", "__rate_interval": "10s", "__range": "60s"}
# Compared with days that this Prometheus has not seen.
LOOKS_BACK = re.compile(r"offset \d+[dw]|registry_repo:\w+:\w*max\w*_1w")
# The keys of the demo do not expire.
NOT_IN_THIS_WORLD = {"exporter: Keys expire in A"}


def questions():
    """(dashboard: panel reference, expression, what kind of answer is wanted) of each query."""
    for path in sorted((ROOT / "grafana/dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text())
        values = {variable["name"]: variable.get("allValue") or "" for variable in dashboard["templating"]["list"]}
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                expression = re.sub(r"\$\{?(\w+)\}?", lambda found: {**values, **BUILT_IN}[found.group(1)],
                                    target["expr"])
                name = f"{path.stem}: {panel['title']} {target['refId']}"
                yield name, expression, "query" if target["instant"] else "query_range"
                if target.get("exemplar"):
                    yield name + ", exemplars", expression, "query_exemplars"


class Live(unittest.TestCase):
    def setUp(self):
        for program in ("prometheus", "prometheus-alertmanager"):
            if not shutil.which(program):
                if os.environ.get("CI") == "true":
                    self.fail(f"{program} is not installed")
                self.skipTest(f"{program} is not installed")

    def ask(self, stack, expression, kind):
        """The series that answer; a query that is refused fails the test."""
        now = time.time()
        span = {} if kind == "query" else {"start": now - 60, "end": now, "step": 1}
        if kind == "query_exemplars":  # The clouds' clock runs ahead, and builds end by it.
            span = {"start": 0, "end": now + 365 * 86400}
        url = f"http://{stack.at['prometheus']}/api/v1/{kind}?" + urllib.parse.urlencode({"query": expression, **span})
        try:
            with DIRECTLY.open(url, timeout=10) as answer:
                data = json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            if refused.code == 503:  # Not ready.
                return []
            self.fail(f"{expression}: {refused.read().decode()}")
        if kind != "query_exemplars":
            return data["result"]
        for series in data:
            for exemplar in series["exemplars"]:
                self.assertRegex(exemplar["labels"]["build_record_id"], r"\S")
        return data

    def test_every_query_is_answered_and_what_does_not_look_back_has_data(self):
        stack = Stack(BUILD, dict.fromkeys(PORTS, 0), scrape_interval="1s", speed=1000, repositories=10,
                      max_staleness="5s")
        stack.simulator_flags.append("--faults=server_error:40")
        asked = list(questions())
        self.assertGreater(len(asked), 100)
        self.assertLessEqual(NOT_IN_THIS_WORLD, {name for name, _, _ in asked})
        empty = dict.fromkeys(name for name, _, _ in asked)
        end = time.monotonic() + PATIENCE
        with stack:
            while empty and time.monotonic() < end:
                empty = {name: expression for name, expression, kind in asked
                         if name in empty and not self.ask(stack, expression, kind)
                         and name not in NOT_IN_THIS_WORLD and not LOOKS_BACK.search(expression)}
                time.sleep(1)
            self.assertEqual(empty, {}, "\n" + "\n".join(f"{k}: {v}" for k, v in empty.items()))


if __name__ == "__main__":
    unittest.main()
