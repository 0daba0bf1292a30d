"""What clouds say when they refuse a call, end to end: the real program against a simulator that
speaks in the words seen in public."""

import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from credentials_test import COLLECTION, SWR, SWR_KEYS, registry  # noqa: E402
from harness import EXPORTER, World, scrape  # noqa: E402


def calls(series, outcome):
    """SWR's calls that ended so."""
    return sum(value for (name, labels), value in series.items()
               if name == "registry_exporter_api_requests_total" and ("registry", "swr") in labels
               and ("outcome", outcome) in labels)


def rate_in_force(series):
    return series[("registry_exporter_rate_limit_requests_per_second", (("registry", "swr"),))]


class Errors(unittest.TestCase):
    def configure(self, world, credentials, extra=""):
        config = world.folder / "registry_exporter.yml"
        config.touch(mode=0o600)
        config.write_text(COLLECTION + registry(SWR, world, "swr", credentials, extra))
        return config

    def doctor(self, world, credentials):
        config = self.configure(world, credentials)
        run = subprocess.run([EXPORTER, "--doctor", f"--config.file={config}"],
                             env={"PATH": os.environ["PATH"], "HOME": str(world.folder)},
                             capture_output=True, text=True, timeout=120, check=False)
        return run.stdout

    def test_a_quota_that_is_told_in_words_is_kept_to(self):
        quota, window, concurrency = 20, 4, 4
        with World() as world:
            world.simulator("--repositories=30", "--speed=0", f"--quota={quota}/{window}s")
            self.configure(world, SWR_KEYS, f"    concurrency: {concurrency}\n")
            exporter = world.exporter()
            end = time.monotonic() + 4 * window
            while time.monotonic() < end:
                series = scrape(exporter, {"X-Prometheus-Scrape-Timeout-Seconds": "1"})
                time.sleep(0.2)
            # It is learned by the calls that were in flight together, and then known.
            self.assertGreaterEqual(calls(series, "throttled"), 1)
            self.assertLessEqual(calls(series, "throttled"), concurrency + 1)
            self.assertLessEqual(rate_in_force(series), quota / window)
            # What the quota allows is used: two whole windows at the least.
            self.assertGreaterEqual(calls(series, "ok"), 3 * quota)

    def test_a_wrong_secret_costs_one_signature_and_says_so(self):
        with World() as world:
            world.simulator("--repositories=5", "--speed=0")
            secret = world.folder / "secret"
            secret.touch(mode=0o600)
            secret.write_text("c4nary")
            self.configure(world, f"access_key: demo-access-key, secret_key_file: {secret}")
            exporter = world.exporter()
            for _ in range(8):
                series = scrape(exporter)
            self.assertEqual(calls(series, "unauthorized"), 1)
            self.assertIn("the secret key is wrong", "".join(exporter.lines))
            secret.write_text("demo-secret-key")
            for _ in range(3):
                series = scrape(exporter)
            self.assertEqual(series[("swr_up", (("registry", "swr"),))], 1)
            self.assertEqual(calls(series, "unauthorized"), 1)
            self.assertNotIn("c4nary", "".join(exporter.lines))

    def test_the_doctor_costs_one_signature_and_knows_the_causes(self):
        wrong = SWR_KEYS.replace("demo-secret-key", "c4nary")
        with World() as world:
            world.simulator("--repositories=5", "--speed=0")
            for _ in range(4):  # The fifth in a row would lock the key.
                self.assertIn("the secret key does not belong to the access key",
                              self.doctor(world, wrong))
            self.assertIn("All is well", self.doctor(world, SWR_KEYS))
            self.assertIn("the access key is not known",
                          self.doctor(world, SWR_KEYS.replace("demo-access-key", "other")))
            for _ in range(5):
                self.doctor(world, wrong)
            self.assertIn("the access key is locked for five minutes",
                          self.doctor(world, SWR_KEYS))


if __name__ == "__main__":
    unittest.main()
