"""The exporter's edge from outside: TLS, passwords, and clients that mean no good."""

import base64
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import time
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"
HASHES = {  # Of cost 4, so that tests are quick.
    "secret": "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
}


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """A certificate authority in a folder, and what it has signed."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.certificate = folder / f"{name}.crt"
        self.key = folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def sign(self, name, extension=SERVER_NAMES, days=2):
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(extension + "\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", certificate)
        return certificate, key


def client_context(authority=None, certificate=None, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = authority is not None
    context.verify_mode = ssl.CERT_REQUIRED if authority else ssl.CERT_NONE
    if authority:
        context.load_verify_locations(authority.certificate)
    if certificate:
        context.load_cert_chain(*certificate)
    for name, value in settings.items():
        if name == "alpn":
            context.set_alpn_protocols(value)
        elif name == "ciphers":
            context.set_ciphers(value)
        elif name == "curve":
            context.set_ecdh_curve(value)
        else:
            setattr(context, name, value)
    return context


class Talk:
    """One connection to the exporter, encrypted or not."""

    def __init__(self, exporter, context=None, timeout=15):
        host, port = exporter.address.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def get(self, path, headers=""):
        self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        return self.answer()

    def answer(self):
        """(status, head, body)"""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._some()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"\r\nContent-Length: (\d+)", head).group(1))
        while len(body) < length:
            body += self._some()
        return int(head.split()[1]), head.decode("latin-1"), body

    def _some(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed by the server")
        return data


def status(exporter, path="/-/healthy", headers="", context=None):
    """The status of one answer; the error's class where there is none."""
    try:
        with Talk(exporter, context) as talk:
            return talk.get(path, headers)[0]
    except (ssl.SSLError, OSError) as error:
        return type(error)


def basic(user, password):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Authorization: Basic {pair}\r\n"


class EdgeTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(harness.World())
        self.folder = self.world.folder
        self.world.simulator("--repositories=4", "--seed=5")
        self.world.configure()

    def web_config(self, text):
        path = self.folder / "web.yml"
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def serve(self, text):
        return self.world.exporter(f"--web.config.file={self.web_config(text)}",
                                   state=f"state{time.monotonic_ns()}.db")


class Tls(EdgeTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        self.authority.sign("server")
        self.tls = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
        self.trusting = client_context(self.authority)

    def test_metrics_come_over_tls_and_over_tls_alone(self):
        exporter = self.serve(self.tls)
        with Talk(exporter, self.trusting) as talk:
            for _ in range(3):  # The connection is kept.
                code, head, body = talk.get("/metrics")
                self.assertEqual(code, 200)
                self.assertIn(b"registry_exporter_build_info", body)
            self.assertEqual(talk.socket.version(), "TLSv1.3")
        with Talk(exporter) as talk:
            code, _, body = talk.get("/metrics")
            self.assertEqual((code, body), (400, b"400 this port requires HTTPS\n"))
        self.assertEqual(exporter.stop(), 0)

    def test_an_end_is_said_and_not_only_made(self):
        exporter = self.serve(self.tls)
        with Talk(exporter, self.trusting) as talk:
            self.assertEqual(talk.get("/-/healthy", "Connection: close\r\n")[0], 200)
            # Python raises SSLEOFError when a connection ends without close_notify.
            self.assertEqual(talk.socket.recv(1), b"")

    def test_versions_and_ciphers_offered_without_being_asked(self):
        exporter = self.serve(self.tls)
        old = "DEFAULT:@SECLEVEL=0"
        rows = [
            ("1.3", dict(minimum_version=ssl.TLSVersion.TLSv1_3), 200),
            ("1.2", dict(maximum_version=ssl.TLSVersion.TLSv1_2), 200),
            ("1.1", dict(minimum_version=ssl.TLSVersion.TLSv1, ciphers=old,
                         maximum_version=ssl.TLSVersion.TLSv1_1), ssl.SSLError),
            ("1.0", dict(minimum_version=ssl.TLSVersion.TLSv1, ciphers=old,
                         maximum_version=ssl.TLSVersion.TLSv1), ssl.SSLError),
            ("forward secrecy", dict(maximum_version=ssl.TLSVersion.TLSv1_2,
                                     ciphers="ECDHE-ECDSA-AES256-GCM-SHA384"), 200),
            ("CBC", dict(maximum_version=ssl.TLSVersion.TLSv1_2,
                         ciphers="ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"), ssl.SSLError),
            ("no forward secrecy", dict(maximum_version=ssl.TLSVersion.TLSv1_2,
                                        ciphers="AES128-GCM-SHA256:@SECLEVEL=0"), ssl.SSLError),
            ("no authentication", dict(maximum_version=ssl.TLSVersion.TLSv1_2,
                                       ciphers="aNULL:@SECLEVEL=0"), ssl.SSLError),
            ("HTTP/1.1 named", dict(alpn=["http/1.1"]), 200),
            ("HTTP/2 and 1.1 named", dict(alpn=["h2", "http/1.1"]), 200),
            ("HTTP/2 alone", dict(alpn=["h2"]), ssl.SSLError),
            ("curve", dict(curve="secp384r1"), 200),
            ("a curve not offered", dict(curve="secp521r1"), ssl.SSLError),
        ]
        for name, settings, expected in rows:
            with self.subTest(name):
                context = client_context(self.authority, **settings)
                got = status(exporter, context=context)
                self.assertTrue(got == expected or
                                (isinstance(got, type) and isinstance(expected, type) and
                                 issubclass(got, expected)), got)
        with Talk(exporter, client_context(self.authority, alpn=["h2", "http/1.1"])) as talk:
            self.assertEqual(talk.socket.selected_alpn_protocol(), "http/1.1")

    def test_versions_ciphers_and_curves_as_configured(self):
        rows = [
            ("min_version: TLS13", dict(maximum_version=ssl.TLSVersion.TLSv1_2), False),
            ("min_version: TLS13", dict(), True),
            ("max_version: TLS12", dict(minimum_version=ssl.TLSVersion.TLSv1_3), False),
            ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]",
             dict(maximum_version=ssl.TLSVersion.TLSv1_2,
                  ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"), False),
            ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]",
             dict(maximum_version=ssl.TLSVersion.TLSv1_2), True),
            ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]",
             dict(maximum_version=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA"), True),
            ("cipher_suites: [TLS_AES_256_GCM_SHA384]",
             dict(maximum_version=ssl.TLSVersion.TLSv1_2), False),
            ("curve_preferences: [CurveP521]", dict(curve="secp521r1"), True),
            ("curve_preferences: [CurveP521]", dict(curve="prime256v1"), False),
        ]
        for line, settings, expected in rows:
            with self.subTest(line, **{key: str(value) for key, value in settings.items()}):
                exporter = self.serve(self.tls + f"  {line}\n")
                got = status(exporter, context=client_context(self.authority, **settings))
                self.assertEqual(got == 200, expected, got)
                exporter.stop()

    def test_the_servers_order_of_ciphers_or_the_clients(self):
        suites = ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "
                  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]")
        wish = client_context(
            self.authority, maximum_version=ssl.TLSVersion.TLSv1_2,
            ciphers="ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
        for prefer, chosen in (("true", "AES256"), ("false", "AES128")):
            exporter = self.serve(
                self.tls + f"  {suites}\n  prefer_server_cipher_suites: {prefer}\n")
            with Talk(exporter, wish) as talk:
                self.assertIn(chosen, talk.socket.cipher()[0])
            exporter.stop()

    def test_renegotiation_is_refused(self):
        exporter = self.serve(self.tls)
        client = subprocess.run(
            ["openssl", "s_client", "-connect", exporter.address, "-tls1_2"], input="R\n",
            capture_output=True, text=True, timeout=20)
        self.assertIn("no renegotiation", client.stderr)
        self.assertEqual(status(exporter, context=self.trusting), 200)

    def test_client_certificates_as_configured(self):
        stranger = Authority(self.folder, "stranger")
        usage = "extendedKeyUsage=clientAuth\nsubjectAltName="
        good = self.authority.sign("client", usage + "DNS:prometheus.example,IP:192.0.2.7,"
                                   "email:ops@example.org,URI:spiffe://example/prometheus")
        other = self.authority.sign("other", usage + "DNS:other.example")
        nameless = self.authority.sign("nameless", "extendedKeyUsage=clientAuth")
        for_servers = self.authority.sign("servers", "extendedKeyUsage=serverAuth")
        expired = self.authority.sign("expired", "extendedKeyUsage=clientAuth", days=0)
        foreign = stranger.sign("foreign", usage + "DNS:prometheus.example")
        ca = "client_ca_file: ca.crt"
        strict = f"client_auth_type: RequireAndVerifyClientCert\n  {ca}"
        named = strict + "\n  client_allowed_sans: "
        # What comes in, by configuration.
        rows = [
            ("client_auth_type: NoClientCert", [None, good, foreign], []),
            ("client_auth_type: RequestClientCert", [None, good, foreign], []),
            ("client_auth_type: RequireAnyClientCert", [good, foreign], [None]),
            (f"client_auth_type: VerifyClientCertIfGiven\n  {ca}", [None, good], [foreign]),
            (strict, [good, other, nameless], [None, foreign, for_servers, expired]),
            (named + "[prometheus.example]", [good], [None, other, nameless, foreign]),
            (named + "[x, 192.0.2.7]", [good], [other]),
            (named + "[ops@example.org]", [good], [other]),
            (named + "['spiffe://example/prometheus']", [good], [other]),
            (named + "[example, '*.example', client]", [], [good, other]),
            ("client_auth_type: RequireAnyClientCert\n"
             "  client_allowed_sans: [prometheus.example]", [good, foreign], [None, other]),
        ]
        for lines, let_in, refused in rows:
            exporter = self.serve(self.tls + f"  {lines}\n")
            for certificate in let_in + refused:
                with self.subTest(lines, certificate=str(certificate and certificate[0].name)):
                    context = client_context(self.authority, certificate)
                    # For all paths, the probes' too.
                    got = status(exporter, "/-/healthy", context=context)
                    self.assertEqual(got == 200, certificate in let_in, got)
            exporter.stop()

    def test_a_new_certificate_is_taken_over_without_a_restart(self):
        exporter = self.serve(self.tls)
        with Talk(exporter, self.trusting) as kept:
            first = kept.socket.getpeercert()["serialNumber"]
            self.assertEqual(kept.get("/-/healthy")[0], 200)
            self.authority.sign("server")
            time.sleep(1)
            with Talk(exporter, self.trusting) as talk:
                self.assertNotEqual(talk.socket.getpeercert()["serialNumber"], first)
                self.assertEqual(talk.get("/-/healthy")[0], 200)
            # The old connection is answered once more, then it ends.
            code, head, _ = kept.get("/-/healthy")
            self.assertEqual(code, 200)
            self.assertIn("\r\nConnection: close", head)
        (self.folder / "server.key").write_text("torn")
        time.sleep(1)
        self.assertEqual(status(exporter, context=self.trusting), 200)
        self.assertTrue(harness.wait_for(
            lambda: any("web configuration not reloaded" in line for line in exporter.lines), 5))
        with Talk(exporter, self.trusting) as talk:
            self.assertIn(b"key_file", talk.get("/")[2])
            self.assertIn(b"registry_exporter_config_last_reload_successful 0\n", talk.get("/metrics")[2])

    def test_a_key_that_everybody_may_read_is_told_at_start_and_when_it_was_opened_up(self):
        key = self.folder / "server.key"
        key.chmod(0o644)
        exporter = self.serve(self.tls)
        lines = lambda words: [line for line in exporter.lines if words in line]
        seen = lambda words, times: harness.wait_for(
            lambda: status(exporter, context=self.trusting) and len(lines(words)) == times, 5)
        self.assertTrue(seen("may read a secret", 1), exporter.lines)
        key.chmod(0o640)
        self.web_config(self.tls + "# another comment\n")
        self.assertTrue(seen("web configuration reloaded", 1), exporter.lines)
        web = self.web_config(self.tls + Passwords.USERS)  # Hashes can be guessed at.
        web.chmod(0o644)
        self.assertTrue(seen("may read a secret", 2), exporter.lines)
        told = lines("may read a secret")
        self.assertIn(f"file={key}", told[0])
        self.assertIn(f"file={web}", told[1])

    def test_tls_goes_and_comes_with_the_file(self):
        exporter = self.serve("basic_auth_users: {}\n")
        self.assertEqual(status(exporter), 200)
        self.web_config(self.tls)
        time.sleep(1)
        self.assertEqual(status(exporter, context=self.trusting), 200)
        self.web_config("")
        time.sleep(1)
        self.assertEqual(status(exporter), 200)

    def test_handshakes_that_are_never_finished_keep_nobody_waiting(self):
        exporter = self.serve(self.tls)
        silent = [Talk(exporter) for _ in range(100)]
        halves = [Talk(exporter) for _ in range(100)]
        for talk in halves:
            talk.send(b"\x16\x03\x01\x02\x00\x01")
        begun = time.monotonic()
        self.assertEqual(status(exporter, context=self.trusting), 200)
        self.assertLess(time.monotonic() - begun, 4)  # Sooner than the others are given up.
        for talk in silent + halves:
            talk.socket.settimeout(15)
            self.assertEqual(talk.socket.recv(1), b"")  # Closed by the handshake's deadline.
            talk.socket.close()

    def test_bytes_that_are_no_tls_are_closed(self):
        exporter = self.serve(self.tls)
        for junk in (b"\0" * 100, b"\xff" * 100, os.urandom(2000), b"SSH-2.0-x\r\n",
                     b"\x16\x03\x01\xff\xff" + b"a" * 70000, b"\x80\x2e\x01\x03\x01"):
            with Talk(exporter) as talk:
                try:
                    talk.send(junk)
                    talk.socket.shutdown(socket.SHUT_WR)
                    while talk.socket.recv(4096):
                        pass
                except TimeoutError:
                    raise
                except OSError:
                    pass  # Closed, or reset, before all of that was done.
        self.assertEqual(status(exporter, context=self.trusting), 200)


class Passwords(EdgeTest):
    USERS = f"basic_auth_users:\n  alice: {HASHES['secret']}\n"

    def test_probes_need_no_password_and_everything_else_does(self):
        exporter = self.serve(self.USERS)
        for path, code in (("/-/healthy", 200), ("/-/ready", 200), ("/metrics", 401), ("/", 401),
                           ("/status", 401), ("/api/v1/repositories", 401), ("/nowhere", 401)):
            with self.subTest(path):
                self.assertEqual(status(exporter, path), code)
                self.assertEqual(status(exporter, path, basic("alice", "wrong")),
                                 200 if code == 200 else 401)
        self.assertEqual(status(exporter, "/metrics", basic("alice", "secret")), 200)
        self.assertEqual(status(exporter, "/nowhere", basic("alice", "secret")), 404)
        self.assertEqual(status(exporter, "/-/reload"), 401)
        with Talk(exporter) as talk:
            code, head, _ = talk.get("/metrics")
            self.assertIn('\r\nWWW-Authenticate: Basic realm="registry_exporter"', head)

    def test_a_changed_password_is_in_force_a_second_later_on_kept_connections_too(self):
        exporter = self.serve(self.USERS)
        right = basic("alice", "secret")
        with Talk(exporter) as talk:
            self.assertEqual(talk.get("/", right)[0], 200)
            self.web_config(self.USERS.replace("alice", "bob"))
            time.sleep(1)
            self.assertEqual(talk.get("/", right)[0], 401)
            self.assertEqual(talk.get("/", basic("bob", "secret"))[0], 200)

    def test_a_flood_of_guesses_keeps_nobody_out_who_was_in(self):
        exporter = self.serve("basic_auth_users:\n  alice: " + bcrypt("secret", cost=12) + "\n")
        right = basic("alice", "secret")
        self.assertEqual(status(exporter, "/", right), 200)
        talks = [Talk(exporter) for _ in range(100)]
        for i, talk in enumerate(talks):
            talk.send(f"GET / HTTP/1.1\r\nHost: x\r\n{basic('alice', f'guess {i}')}\r\n".encode())
        begun = time.monotonic()
        self.assertEqual(status(exporter, "/", right), 200)
        self.assertLess(time.monotonic() - begun, 5)
        codes = sorted(talk.answer()[0] for talk in talks)
        log = "".join(exporter.lines)
        for secret in ("secret", "guess", "$2y$", "YWxpY2U6"):
            self.assertNotIn(secret, log)
        self.assertEqual(set(codes), {401, 503})
        self.assertGreater(codes.count(503), 20)  # Not all of them are worth a hash.
        for talk in talks:
            talk.socket.close()


def bcrypt(password, cost):
    """A hash by the system's own crypt(3)."""
    return subprocess.run(
        ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", password,
         f"$2y${cost:02}$abcdefghijklmnopqrstuu"], check=True, capture_output=True,
        text=True).stdout


def resident_kib(exporter):
    lines = pathlib.Path(f"/proc/{exporter.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", lines).group(1))


class Crowds(EdgeTest):
    """Many clients that mean no good, and one that does."""

    REPOSITORIES = 300

    def setUp(self):
        super().setUp()
        files = max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE,
                               (files, max(files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
        self.world.sim.stop()
        self.world.simulator(f"--repositories={self.REPOSITORIES}", "--seed=5", "--speed=0")
        self.world.configure(min_interval="1h", max_staleness="1h")
        self.exporter = self.world.exporter()
        harness.wait_for(lambda: self.scrape_bytes() and self.scrape_bytes() > 1_000_000)
        self.opened = []

    def tearDown(self):
        for each in self.opened:
            each.close()

    def scrape_bytes(self):
        code, _, body = harness.http(self.exporter.url + "/metrics", timeout=30)
        return len(body) if code == 200 else 0

    def honest(self, times=10):
        """Seconds of the slowest of several scrapes, each on a connection of its own."""
        slowest = 0
        for _ in range(times):
            begun = time.monotonic()
            self.assertGreater(self.scrape_bytes(), 1_000_000)
            slowest = max(slowest, time.monotonic() - begun)
        return slowest

    def connect(self, data=b"", receive_bytes=None):
        host, port = self.exporter.address.split(":")
        talk = socket.socket()
        if receive_bytes:
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        talk.settimeout(20)
        talk.connect((host, int(port)))
        self.opened.append(talk)
        with contextlib.suppress(OSError):
            talk.sendall(data)
        return talk

    def test_1500_clients_that_idle_drip_and_read_slowly_keep_no_scrape_waiting(self):
        alone = self.honest()
        memory = resident_kib(self.exporter)
        crowd = []
        # In turns, so that some of each kind are among the connections that are kept.
        for _ in range(500):
            self.connect()
            crowd.append((self.connect(b"GET /metrics HTTP/1.1\r\nX: "), "drip"))
            reader = self.connect(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 4096)
            self.assertEqual(reader.recv(12), b"HTTP/1.1 200")  # More it doesn't take.
            crowd.append((reader, "read"))
        worst = 0
        for _ in range(5):
            for talk, kind in crowd:
                talk.settimeout(0)
                with contextlib.suppress(OSError):
                    talk.send(b"a") if kind == "drip" else talk.recv(1)
            worst = max(worst, self.honest())
        grown = resident_kib(self.exporter) - memory
        print(f"slowest scrape alone {alone:.3f} s, in the crowd {worst:.3f} s; {grown} KiB more",
              file=sys.stderr)
        self.assertLess(worst, 5)
        if not harness.INSTRUMENTED:
            self.assertLess(grown, 64 * 1024)

    def test_bombs_are_not_kept_in_memory(self):
        self.honest(3)
        before = resident_kib(self.exporter)
        head = b"POST /-/reload HTTP/1.1\r\nHost: x\r\n"
        bombs = {
            "a header line without an end": b"GET / HTTP/1.1\r\nX: " + b"a" * (4 << 20),
            "headers without an end": b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (1 << 19),
            "a request line without an end": b"GET /" + b"a" * (4 << 20),
            "a body by length": head + b"Content-Length: 10737418240\r\n\r\n" + b"a" * (4 << 20),
            "chunks without an end":
                head + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" * (1 << 19),
            "one chunk without an end":
                head + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n" + b"a" * (4 << 20),
            "requests without an end": b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n" * (1 << 16),
        }
        highest = before
        for name, bomb in bombs.items():
            with self.subTest(name):
                for _ in range(10):
                    self.connect(bomb)
                highest = max(highest, resident_kib(self.exporter))
                self.assertEqual(status(self.exporter), 200)
        print(f"bombs: {highest - before} KiB more", file=sys.stderr)
        self.assertLess(highest - before, 10 * 1024)


@unittest.skipUnless(shutil.which("prometheus") or os.environ.get("CI") == "true",
                     "prometheus is not installed")
class Prometheus(EdgeTest):
    CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: registry_exporter
    scheme: https
    basic_auth: {{username: alice, password: {password}}}
    tls_config: {{ca_file: ca.crt, cert_file: {client}.crt, key_file: {client}.key}}
    static_configs: [{{targets: ["{target}"]}}]
"""

    def test_prometheus_comes_in_with_certificate_and_password_and_through_a_renewal(self):
        authority = Authority(self.folder)
        authority.sign("server")
        authority.sign("client", "extendedKeyUsage=clientAuth")
        exporter = self.serve("tls_server_config:\n  cert_file: server.crt\n"
                              "  key_file: server.key\n  client_ca_file: ca.crt\n"
                              "  client_auth_type: RequireAndVerifyClientCert\n"
                              f"basic_auth_users:\n  alice: {HASHES['secret']}\n")
        config = self.folder / "prometheus.yml"
        config.write_text(self.CONFIG.format(password="secret", client="client",
                                             target=exporter.address))
        address = harness.start_prometheus(self, config, self.folder)

        def target():
            """(health, last scrape) of the one target."""
            try:
                body = harness.http(f"http://{address}/api/v1/targets")[2]
                found = json.loads(body)["data"]["activeTargets"]
                return (found[0]["health"], found[0]["lastScrape"]) if found else None
            except (OSError, ValueError):
                return None

        def up_again():
            before = target()
            return harness.wait_for(
                lambda: (target() or ("", ""))[0] == "up" and target() != before, 30)

        self.assertTrue(up_again())
        authority.sign("server")
        self.assertTrue(harness.wait_for(
            lambda: any("web configuration reloaded" in line for line in exporter.lines), 30))
        self.assertTrue(up_again())
        self.web_config(self.folder.joinpath("web.yml").read_text().replace("alice", "bob"))
        self.assertTrue(harness.wait_for(lambda: (target() or ("", ""))[0] == "down", 30))


class Start(EdgeTest):
    def test_a_bad_web_configuration_ends_with_2_and_one_line(self):
        rows = [
            ("tls_server_config:\n  min_version: TLS11\n  cert_file: a\n  key_file: b\n",
             "web.yml:2: tls_server_config.min_version: TLS11 is not safe"),
            ("a: b\n", "web.yml:1: unknown key a"),
            ("tls_server_config:\n  cert_file: a\n  key_file: b\n", "web.yml: cert_file: "),
            ("basic_auth_users:\n  a: canary-4711\n", "web.yml:2: basic_auth_users.a has no"),
        ]
        for text, words in rows:
            with self.subTest(words):
                ended = self.run_exporter(self.web_config(text))
                self.assertEqual(ended.returncode, 2, ended.stderr)
                self.assertIn(words, ended.stderr)
                self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)
                self.assertNotIn("canary-4711", ended.stderr)
        ended = self.run_exporter(self.folder / "missing.yml")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("missing.yml: No such file", ended.stderr)

    def test_config_check_looks_at_the_web_configuration_too(self):
        good = self.run_exporter(self.web_config("basic_auth_users: {}\n"), "--config.check")
        self.assertEqual((good.returncode, good.stdout), (0, "OK\n"), good.stderr)
        bad = self.run_exporter(self.web_config("a: 1\nb: 2\n"), "--config.check")
        self.assertEqual(bad.returncode, 1)
        self.assertEqual(len(bad.stdout.splitlines()), 2, bad.stdout)

    def run_exporter(self, web_config, *flags):
        return subprocess.run(
            [harness.EXPORTER, f"--config.file={self.folder}/registry_exporter.yml",
             f"--state.path={self.folder}/state.db", f"--web.config.file={web_config}",
             "--web.listen-address=127.0.0.1:0", *flags], capture_output=True, text=True,
            timeout=20)


if __name__ == "__main__":
    unittest.main()
