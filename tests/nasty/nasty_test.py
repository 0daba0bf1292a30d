"""The real exporter against a server that does its worst, in every way at once: two registries for
each case, one of each cloud, and two honest ones beside them."""

import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
from harness import INSTRUMENTED, World, counters, differences, http, parse  # noqa: E402

from nasty_server import NastyServer, cases  # noqa: E402

REQUEST_TIMEOUT = 0.5
ROUNDS_TO_WARM_UP = 5  # Every case has been met, by every thread: from here on it is flat.
ROUNDS = 6
SCRAPE_TIMEOUT = 30 if INSTRUMENTED else 3
CALL_LIMIT = "10.0" if INSTRUMENTED else "2.5"  # A bucket's.
SECRET = "canary-7f3a-never-to-be-seen"

ACR = """
  - name: acr-{name}
    type: acr
    region: demo-region
    endpoint: {endpoint}
    instance_id: cri-demo
    credentials: {{access_key_id: nasty, access_key_secret: {secret}}}
    requests_per_second: 50
    concurrency: 1
    request_timeout: 500ms
"""
SWR = """
  - name: swr-{name}
    type: swr
    region: demo-region
    endpoint: {endpoint}
    project_id: 0123456789abcdef0123456789abcdef
    credentials: {{access_key: nasty, secret_key: {secret}}}
    requests_per_second: 50
    concurrency: 1
    request_timeout: 500ms
"""


def of_case(series, name, family, **labels):
    """Samples of a family that belong to the registries of a case."""
    return {key: value for key, value in series.items()
            if key[0] == family and dict(key[1]).get("registry", "").endswith("-" + name)
            and labels.items() <= dict(key[1]).items()}


class Nasty(unittest.TestCase):
    def test_every_call_ends_in_time_and_nothing_is_believed_or_given_away(self):
        trap = NastyServer(lambda connection: None)
        table = cases(f"http://{trap.address}")
        servers = {name: NastyServer(behaviour) for name, behaviour in table.items()}
        self.assertGreaterEqual(len(servers), 40)
        try:
            with World() as world:
                world.simulator("--repositories=5", "--speed=0")
                path = world.configure()
                path.write_text(path.read_text() + self.registries(servers))
                exporter = world.exporter()
                self.judge(world, exporter, servers)
                self.assertEqual(exporter.stop(), 0)
                log = "".join(exporter.lines)
        finally:
            trap.close()
            for server in servers.values():
                server.close()
        self.assertEqual((trap.heads, trap.lives), ([], []), "somebody followed a redirect")
        for server in servers.values():
            for head in server.heads:
                self.assertNotIn(SECRET.encode(), head)
        self.assertNotIn(SECRET, log)
        self.assertNotIn("demo-secret", log)

    @staticmethod
    def registries(servers):
        text = ""
        for name, server in servers.items():
            scheme = "https" if name.startswith("tls-") else "http"
            endpoint = f"{scheme}://{server.address}"
            for form in (ACR, SWR):
                if name.startswith("proxy-"):
                    text += form.format(name=name, endpoint="https://cloud.test", secret=SECRET)
                    text += f"    proxy_url: {endpoint}\n"
                else:
                    text += form.format(name=name, endpoint=endpoint, secret=SECRET)
        return text

    def judge(self, world, exporter, servers):
        truth = world.truth()
        sizes = []
        for turn in range(ROUNDS_TO_WARM_UP + ROUNDS):
            begun = time.monotonic()
            status, _, body = http(exporter.url + "/metrics", timeout=20, headers={
                "X-Prometheus-Scrape-Timeout-Seconds": str(SCRAPE_TIMEOUT)})
            self.assertEqual(status, 200)
            self.assertLess(time.monotonic() - begun, SCRAPE_TIMEOUT)
            series = parse(body.decode())
            sizes.append(series[("process_resident_memory_bytes", ())])
        honest = {key: value for key, value in counters(series).items()
                  if dict(key[1])["registry"] in ("acr", "swr")}
        self.assertEqual(differences(honest, truth), {}, "others were harmed")
        for name in servers:
            with self.subTest(case=name):
                self.judge_case(series, name)
        grown = max(sizes[ROUNDS_TO_WARM_UP:]) - max(sizes[:ROUNDS_TO_WARM_UP])
        if not INSTRUMENTED:
            self.assertLess(grown, 8 << 20, sizes)
            self.assertLess(sizes[-1], 128 << 20, "large pieces are kept")
        name = "registry_exporter_api_request_duration_seconds"
        calls = sum(sum(of_case(series, case, name + "_count").values()) for case in servers)
        quick = sum(sum(of_case(series, case, name + "_bucket", le="1.0").values())
                    for case in servers)
        print(f"{quick:.0f} of {calls:.0f} calls ended within a second; "
              f"{len(servers)} cases, {2 * len(servers)} registries; resident memory "
              f"{sizes[0] / 1e6:.0f} → {sizes[-1] / 1e6:.0f} MB", file=sys.stderr)

    def judge_case(self, series, name):
        for family in ("acr_builds_total", "swr_retention_deletions_total",
                       "registry_exporter_repository_last_read_timestamp_seconds"):
            self.assertEqual(of_case(series, name, family), {}, "believed")
        believed = of_case(series, name, "registry_exporter_api_requests_total", outcome="ok")
        if name != "refresh":  # Its body is an empty object, and nothing wrong for one of them.
            self.assertEqual(sum(believed.values()), 0, believed)
        asked = of_case(series, name, "registry_exporter_api_request_duration_seconds_count")
        self.assertGreater(sum(asked.values()), 0, "never asked")
        in_time = of_case(series, name, "registry_exporter_api_request_duration_seconds_bucket",
                          le=CALL_LIMIT)
        if not in_time:
            self.fail("no such bucket")
        self.assertEqual(sum(in_time.values()), sum(asked.values()), "a call took too long")


if __name__ == "__main__":
    unittest.main()
