"""What the shells and machines of others put around the program. Each fact has its source.

- Companies set HTTP_PROXY for every shell; Go's clients, and so Prometheus' world, never send what is for this
  machine there (golang/net http/httpproxy/proxy.go @094d4385, useProxy; golang/go#33695, actions/toolkit#1361).
- In Turkish i and I are no pair, and 1.5 is written 1,5 (glibc localedata/locales/tr_TR).
- TZ may name no time zone; HOME may be missing (systemd.exec(5), before User= was given); umask may be 077.
- At boot the name of --web.listen-address may not resolve yet (lest/prometheus-rpm#255).
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import BUILD, EXPORTER, World, counters, differences, parse, scrape  # noqa: E402

NOBODY_LISTENS = "http://me:c4nary@127.0.0.1:9"
PROXIES = {spelling: NOBODY_LISTENS for name in ("http_proxy", "https_proxy", "all_proxy")
           for spelling in (name, name.upper())}
HOSTILE = {"PATH": os.environ["PATH"], **PROXIES, "LANG": "tr_TR.UTF-8", "TZ": ":bogus"}


def turkish(folder):
    """The variables that make the locale a real one, where it can be made."""
    made = shutil.which("localedef") and subprocess.run(
        ["localedef", "-i", "tr_TR", "-f", "UTF-8", folder / "tr_TR.UTF-8"], check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    # The C library never frees its copy of LOCPATH: a leak checker would speak of it.
    return {"LOCPATH": str(folder), "LC_ALL": "tr_TR.UTF-8",
            "LSAN_OPTIONS": "detect_leaks=0"} if made else {}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Hostile(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.environment = HOSTILE | turkish(self.world.folder)

    def run_in_it(self, *command, **more):
        more = {"env": self.environment, "umask": 0o077} | more
        return subprocess.run([str(each) for each in command], capture_output=True, text=True,
                              encoding="utf-8", check=False, timeout=120, **more)

    def once(self, *flags, **more):
        return self.run_in_it(EXPORTER, f"--config.file={self.world.folder}/registry_exporter.yml",
                              "--state.path=:memory:", *flags, **more)

    def test_the_demo(self):
        ended = self.run_in_it(sys.executable, ROOT / "tests/demo.py", "--build", BUILD, "--once",
                               f"--simulator=127.0.0.1:{free_port()}")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertGreater(sum(counters(parse(ended.stdout)).values()), 1000)

    def test_it_says_what_it_says_elsewhere(self):
        self.world.simulator("--repositories=4", "--speed=0")
        self.world.configure()
        here, there = self.once("--once"), self.once("--once", env={"PATH": os.environ["PATH"]})
        for ended in (here, there):
            self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(differences(counters(parse(here.stdout)), self.world.truth()), {})
        passing = re.compile(  # How often it commits is a question of time, too.
            r"process_|registry_exporter_.*(second|byte|offset|commits)|.*timestamp|.*age")
        lasting = lambda text: {key: value for key, value in parse(text).items()
                                if not passing.match(key[0])}
        self.assertEqual(lasting(here.stdout), lasting(there.stdout))
        self.assertEqual(self.once("--config.check").stdout, "OK\n")
        examined = self.once("--doctor")
        self.assertEqual(examined.returncode, 0, examined.stdout + examined.stderr)
        self.assertIn("All is well.", examined.stdout)

    def test_it_serves(self):
        world = self.world
        world.simulator("--repositories=4", "--speed=0")
        world.configure()
        before = os.umask(0o077)
        try:
            exporter = world.start(
                [EXPORTER, f"--config.file={world.folder}/registry_exporter.yml",
                 f"--state.path={world.folder}/state.db", "--web.listen-address=localhost:0"],
                r'address="?(127\.0\.0\.1:[0-9]+)', self.environment)
        finally:
            os.umask(before)
        self.assertEqual(differences(counters(scrape(exporter)), world.truth()), {})
        self.assertEqual(exporter.stop(), 0)

    def test_a_proxy_that_was_meant_is_taken_and_blamed(self):
        world = self.world
        world.simulator("--repositories=2", "--speed=0")
        path = world.configure()
        direct = path.read_text(encoding="utf-8")
        rows = [  # (how the clouds are written, a proxy_url or not, what is blamed or None)
            ("127.0.0.1", False, None),
            ("localhost", False, None),
            ("cr.cloud.localhost", False, None),
            ("127.1", False, None),
            ("[::ffff:127.0.0.1]", False, None),
            ("127.0.0.1", True, "proxy_url"),
            # This machine too, but by a name that says so to nobody.
            ("0.0.0.0", False, "HTTP_PROXY"),
        ]
        for host, configured, blamed in rows:
            with self.subTest(host=host, configured=configured):
                text = direct.replace("127.0.0.1", host)
                if configured:
                    text = re.sub("( *)(region: .*)", rf"\1\2\n\1proxy_url: {NOBODY_LISTENS}", text)
                path.write_text(text, encoding="utf-8")
                ended = self.once("--once")
                self.assertEqual(ended.returncode, 1 if blamed else 0, ended.stderr)
                self.assertNotIn("c4nary", ended.stderr)
                if blamed:
                    self.assertIn(f"proxy: 127.0.0.1:9 ({blamed}): ", ended.stderr)
                    examined = self.once("--doctor")
                    self.assertIn(f"the proxy 127.0.0.1:9 ({blamed}) can't be reached",
                                  examined.stdout)

    def test_a_listen_address_that_may_resolve_later_is_no_mistake(self):
        self.world.simulator("--repositories=1", "--speed=0")
        self.world.configure()
        for address, code in (("no-such-host.invalid:0", 1), ("192.0.2.1:0", 1), ("[::zz]:0", 2),
                              ("999.1.1.1:0", 2), ("a..b:0", 2), ("nowhere", 2), (":x", 2)):
            with self.subTest(address):
                ended = self.once(f"--web.listen-address={address}")
                self.assertEqual(ended.returncode, code, ended.stderr)
                self.assertIn(address.rsplit(":", 1)[0], ended.stderr)
                if code == 1:
                    self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)


if __name__ == "__main__":
    unittest.main()
