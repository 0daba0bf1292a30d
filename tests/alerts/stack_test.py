"""A build that fails in the cloud arrives as a notification: exporter, shipped rules, shipped routes, webhook."""

import json
import os
import pathlib
import shutil
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from demo import DIRECTLY  # noqa: E402
from stack import PORTS, Stack  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
PATIENCE = 60


def read(url):
    with DIRECTLY.open(url, timeout=10) as answer:
        return json.load(answer)


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    return None


class WholeStack(unittest.TestCase):
    def setUp(self):
        for program in ("prometheus", "prometheus-alertmanager"):
            if not shutil.which(program):
                if os.environ.get("CI") == "true":
                    self.fail(f"{program} is not installed")
                self.skipTest(f"{program} is not installed")

    def test_a_failed_build_arrives_as_a_notification(self):
        with Stack(BUILD, dict.fromkeys(PORTS, 0), scrape_interval="1s", group_wait="1s", speed=3000, repositories=5,
                   initial_history="baseline", max_staleness="1s") as stack:
            alert = wait_for(lambda: next((each for each in list(stack.receiver.alerts)
                                           if each["labels"]["alertname"] == "RegistryBuildFailed"), None))
            self.assertTrue(alert, "no notification")
            labels = alert["labels"]
            self.assertEqual((alert["status"], labels["severity"], labels["registry"]),
                             ("firing", "warning", "demo-acr"))
            self.assertIn(f"{labels['repo_namespace']}/{labels['repo']}", alert["annotations"]["summary"])
            failed = {(each["repo_namespace"], each["repo"]): each["builds"]["failed"]
                      for each in read(f"http://{stack.at['simulator']}/truth")["acr"]}
            self.assertGreater(failed[(labels["repo_namespace"], labels["repo"])], 0)

            # Every shipped rule is loaded and can be evaluated on what the exporter really shows.
            def rules():
                groups = read(f"http://{stack.at['prometheus']}/api/v1/rules")["data"]["groups"]
                return [rule for group in groups for rule in group["rules"]]
            self.assertTrue(wait_for(lambda: all(rule["health"] != "unknown" for rule in rules()
                                                 if rule["type"] == "alerting")))
            self.assertEqual([rule["name"] for rule in rules() if rule["health"] == "err"], [])
            self.assertEqual([each["labels"]["alertname"] for each in stack.receiver.alerts
                              if each["labels"]["alertname"] in ("RegistryThresholdsMissing", "RegistryExporterDown")],
                             [])


if __name__ == "__main__":
    unittest.main()
