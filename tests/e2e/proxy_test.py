"""The way out through a real proxy: which calls take it, and which go directly."""

import contextlib
import os
import shutil
import socket
import subprocess
import unittest

from credentials_test import ACR, ACR_KEYS, COLLECTION, SWR, SWR_KEYS, registry
from doctor_test import free_port
from edge_test import Authority
from harness import EXPORTER, World, counters, differences, parse, wait_for
from tls_front import TlsFront

MISSING = not shutil.which("tinyproxy")
if MISSING and os.environ.get("CI") == "true":
    raise RuntimeError("missing: tinyproxy")


class Proxy:
    """A tinyproxy of its own; `log` has a line for each request."""

    def __init__(self, test, world, *settings):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._log = world.folder / "proxy.log"
        config = world.folder / "proxy.conf"
        config.write_text("\n".join([f"Port {self.port}", "Listen 127.0.0.1", "Allow 127.0.0.1",
                                     f'LogFile "{self._log}"', "LogLevel Connect", *settings, ""]))
        process = subprocess.Popen(["tinyproxy", "-d", "-c", config], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        test.addCleanup(process.wait)
        test.addCleanup(process.kill)
        test.assertTrue(wait_for(self._listens, timeout=10, pause=0.02))

    def _listens(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True

    def requests(self):
        return [line for line in self._log.read_text().splitlines() if "Request (" in line]


@unittest.skipIf(MISSING, "missing: tinyproxy")
class ThroughAProxy(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.world.simulator("--repositories=4", "--speed=0")

    def once(self, extra="", change=lambda text: text, **variables):
        """(whether everything was read and counted, what was said on stderr)"""
        world = self.world
        config = world.folder / "registry_exporter.yml"
        config.write_text(COLLECTION + change(registry(ACR, world, "acr", ACR_KEYS, extra) +
                                              registry(SWR, world, "swr", SWR_KEYS, extra)))
        ended = subprocess.run(
            [EXPORTER, "--once", f"--config.file={config}", "--state.path=:memory:"],
            env={"PATH": os.environ["PATH"], "HOME": str(world.folder), **variables},
            capture_output=True, text=True, check=False, timeout=60)
        shown = counters(parse(ended.stdout))
        truth = world.truth()
        self.assertGreater(sum(truth.values()), 0)
        return ended.returncode == 0 and not differences(shown, truth), ended.stderr

    def test_every_call_takes_the_configured_proxy_whatever_no_proxy_says(self):
        proxy = Proxy(self, self.world)
        well, said = self.once(f"    proxy_url: http://{proxy.address}\n", NO_PROXY="*")
        self.assertTrue(well, said)
        for call in ("POST", "/v2/manage/"):
            self.assertTrue(any(call in line for line in proxy.requests()), proxy.requests())

    def test_tls_goes_through_unbroken(self):
        proxy = Proxy(self, self.world)
        authority = Authority(self.world.folder)
        front = TlsFront(self.world.sim.address, *authority.sign("server"))
        self.addCleanup(front.close)
        secure = lambda text: text.replace(self.world.sim.url, f"https://127.0.0.1:{front.port}")
        way = f"    proxy_url: http://{proxy.address}\n"
        well, said = self.once(way + f"    tls: {{ca_file: {authority.certificate}}}\n", secure)
        self.assertTrue(well, said)
        self.assertTrue(proxy.requests())
        for line in proxy.requests():
            self.assertIn(f"CONNECT 127.0.0.1:{front.port}", line)
        # The proxy's word is no certificate.
        well, said = self.once(way, secure)
        self.assertFalse(well)
        self.assertIn("tls: ", said)

    def test_a_proxy_asks_for_a_password(self):
        proxy = Proxy(self, self.world, "BasicAuth me c4nary")
        well, said = self.once(f"    proxy_url: http://me:c4nary@{proxy.address}\n")
        self.assertTrue(well, said)
        well, said = self.once(f"    proxy_url: http://me:Wr0ngC4nary@{proxy.address}\n")
        self.assertFalse(well)
        self.assertNotIn("anary", said)

    def test_the_environment_names_it_and_says_where_it_is_not_wanted(self):
        proxy = Proxy(self, self.world)
        http = {"HTTP_PROXY": f"http://{proxy.address}", "HTTPS_PROXY": "http://127.0.0.1:1"}
        port = self.world.sim.address.rsplit(":", 1)[1]
        # This machine by an address that isn't loopback: loopback never takes a proxy of the environment.
        outside = lambda text: text.replace("127.0.0.1", "0.0.0.0")
        named = lambda text: text.replace("127.0.0.1", "cr.cloud.localhost")
        rows = [  # (NO_PROXY, how the endpoint is written, whether calls take the proxy)
            (None, outside, True),
            ("10.0.0.0/8,192.168.0.0/16", outside, True),
            ("0.0.0.0/8", outside, False),
            ("10.0.0.0/8, 0.0.0.0", outside, False),
            (f"0.0.0.0:{port}", outside, False),
            ("0.0.0.0:1", outside, True),
            ("*", outside, False),
            (None, lambda text: text, False),
            (None, named, False),
            ("example.org", lambda text: text.replace("127.0.0.1", "[::ffff:127.0.0.1]"), False),
        ]
        for no_proxy, change, through in rows:
            with self.subTest(no_proxy):
                before = len(proxy.requests())
                variables = http | ({"NO_PROXY": no_proxy} if no_proxy else {})
                well, said = self.once("", change, **variables)
                self.assertTrue(well, said)
                self.assertEqual(len(proxy.requests()) > before, through)
        # A name that merely ends alike is another's: it is left to the proxy, which doesn't know it.
        elsewhere = lambda text: text.replace("127.0.0.1", "cr.cloud.invalid")
        before = len(proxy.requests())
        well, said = self.once("", elsewhere, NO_PROXY="oud.invalid", **http)
        self.assertFalse(well)
        self.assertGreater(len(proxy.requests()), before)
        self.assertIn(f", answered through the proxy {proxy.address} (HTTP_PROXY)", said)
        before = len(proxy.requests())
        self.once("", elsewhere, NO_PROXY=".cloud.invalid", **http)
        self.assertEqual(len(proxy.requests()), before)


if __name__ == "__main__":
    unittest.main()
