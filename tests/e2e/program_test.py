"""The program as a user meets it: flags, exit codes, the web side, reload, stopping, bad input."""

import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import EXPORTER, World, counters, differences, http, parse, scrape, wait_for


def run(*arguments, timeout=60):
    return subprocess.run([str(each) for each in (EXPORTER, *arguments)], capture_output=True,
                          text=True, timeout=timeout)


@contextlib.contextmanager
def full_pipe():
    reader, writer = os.pipe()
    fill(writer)
    os.set_blocking(reader, False)
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def fill(writer):
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"full\n" * 100)
    os.set_blocking(writer, True)


def read_all(reader):
    read = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            read += os.read(reader, 1 << 16)
    return read.decode()


class CommandLine(unittest.TestCase):
    def test_version_and_help(self):
        self.assertEqual(run("--version").returncode, 0)
        self.assertIn("registry_exporter", run("--version").stdout)
        shown = run("--help")
        self.assertEqual(shown.returncode, 0)
        for flag in ("--config.file", "--config.check", "--web.listen-address",
                     "--web.telemetry-path", "--web.config.file", "--web.enable-lifecycle",
                     "--web.max-requests", "--web.timeout-offset", "--web.systemd-socket",
                     "--state.path", "--once", "--doctor", "--shard", "--total-shards",
                     "--log.level", "--log.format", "--version", "--help"):
            self.assertIn(flag, shown.stdout)

    def test_mistakes_end_with_2_and_usage_on_stderr(self):
        for arguments in (["--no-such-flag"], ["--web.max-requests=0"], ["--web.max-requests=x"],
                          ["--log.level=loud"], ["--web.timeout-offset=soon"], ["stray"],
                          ["--shard=3", "--total-shards=2"], ["--web.telemetry-path=metrics"],
                          ["--config.file"]):
            with self.subTest(arguments=arguments):
                ended = run(*arguments)
                self.assertEqual(ended.returncode, 2, ended.stderr)
                self.assertIn("--config.file", ended.stderr)
                self.assertEqual(ended.stdout, "")

    def test_both_spellings_of_a_flag(self):
        for arguments in (["--config.check", "--config.file=/nowhere.yml"],
                          ["--config.check", "--config.file", "/nowhere.yml"]):
            ended = run(*arguments)
            self.assertEqual(ended.returncode, 1)
            self.assertIn("/nowhere.yml", ended.stdout)

    def test_a_broken_configuration_names_file_and_line(self):
        with World() as world:
            path = world.folder / "bad.yml"
            path.write_text("registries:\n  - name: a\n    type: acr\n    regin: x\n")
            checked = run("--config.check", f"--config.file={path}")
            self.assertEqual(checked.returncode, 1)
            self.assertIn(f"{path}:4: ", checked.stdout)
            self.assertIn("did you mean region?", checked.stdout)
            started = run(f"--config.file={path}", "--state.path=:memory:")
            self.assertEqual(started.returncode, 2)
            self.assertIn(f"{path}:4: ", started.stderr)


class Web(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.world.simulator("--repositories=4", "--speed=0")
        cls.world.configure(min_interval="1h")
        cls.exporter = cls.world.exporter()
        cls.first = scrape(cls.exporter)

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__()

    def get(self, path, **more):
        return http(self.exporter.url + path, **more)

    def test_paths_and_methods(self):
        for method, path, code in (("GET", "/", 200), ("GET", "/metrics", 200),
                                   ("HEAD", "/metrics", 200), ("GET", "/-/healthy", 200),
                                   ("GET", "/-/ready", 200), ("GET", "/nothing", 404),
                                   ("POST", "/metrics", 405), ("DELETE", "/", 405),
                                   ("GET", "/metrics?registry=nobody", 400),
                                   ("GET", "/metrics?registry=acr", 200)):
            with self.subTest(method=method, path=path):
                self.assertEqual(self.get(path, method=method)[0], code)

    def test_formats_are_negotiated(self):
        prometheus = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                      "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
        _, headers, body = self.get("/metrics")
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertNotIn(b"# EOF", body)
        _, headers, body = self.get("/metrics", headers={"Accept": prometheus})
        self.assertEqual(headers["Content-Type"],
                         "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.assertTrue(body.endswith(b"# EOF\n"))
        self.assertIn(b'# {build_record_id="', body)
        self.assertIn(b'le="60.0"', body)
        _, headers, packed = self.get("/metrics", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertEqual(counters(parse(gzip.decompress(packed).decode())), counters(self.first))

    def test_build_info_tells_the_commit(self):
        labels = [dict(labels) for name, labels in scrape(self.exporter)
                  if name == "registry_exporter_build_info"]
        self.assertEqual(len(labels), 1)
        self.assertRegex(labels[0]["revision"], "^([0-9a-f]{12}(-dirty)?|unknown)$")

    def test_one_registry_alone(self):
        names = {name for name, _ in scrape(self.exporter, query="?registry=acr")}
        self.assertIn("acr_up", names)
        self.assertFalse({name for name in names if name.startswith(("swr_", "process_"))})
        self.assertNotIn("registry_exporter_build_info", names)
        both = scrape(self.exporter, query="?registry=acr&registry=swr")
        self.assertIn("swr_up", {name for name, _ in both})

    def test_no_calls_within_min_interval(self):
        def calls(series):
            return sum(value for (name, _), value in series.items()
                       if name == "registry_exporter_api_requests_total")
        before = calls(scrape(self.exporter))
        for _ in range(3):
            self.assertEqual(calls(scrape(self.exporter)), before)

    def test_a_bad_timeout_header_is_refused(self):
        for value in ("0", "-1", "abc", "nan"):
            status, _, _ = self.get("/metrics",
                                    headers={"X-Prometheus-Scrape-Timeout-Seconds": value})
            self.assertEqual(status, 400, value)

    def test_promtool_finds_nothing_to_say(self):
        promtool = subprocess.run(["promtool", "check", "metrics"], input=self.get("/metrics")[2],
                                  capture_output=True)
        self.assertEqual((promtool.returncode, promtool.stdout + promtool.stderr), (0, b""))

    def test_the_documentation_names_what_is_shown(self):
        import pathlib
        page = (pathlib.Path(__file__).parents[2] / "docs/metrics.md").read_text()
        for line in self.get("/metrics")[2].decode().splitlines():
            if line.startswith("# TYPE"):
                self.assertIn(f"`{line.split()[2]}`", page)


class Lifecycle(unittest.TestCase):
    def test_stopping_is_quick_even_when_the_cloud_hangs(self):
        with World() as world:
            world.simulator("--repositories=20", "--latency=3s")
            world.configure()
            exporter = world.exporter()
            answered = []
            waiting = threading.Thread(
                target=lambda: answered.append(http(exporter.url + "/metrics", timeout=30)[0]))
            waiting.start()
            time.sleep(0.5)
            begun = time.monotonic()
            self.assertEqual(exporter.stop(), 0)
            self.assertLess(time.monotonic() - begun, 5)
            waiting.join()
            self.assertEqual(answered, [200])

    def test_signals_that_mean_nothing_and_a_long_stop_end_nothing(self):
        with World() as world:
            world.simulator("--repositories=4", "--speed=0")
            world.configure()
            exporter = world.exporter()
            scrape(exporter)
            before = counters(scrape(exporter))
            for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG):
                exporter.process.send_signal(number)
            exporter.process.send_signal(signal.SIGSTOP)
            time.sleep(3)  # Longer than a request may take.
            exporter.process.send_signal(signal.SIGCONT)
            begun = time.monotonic()
            self.assertEqual(counters(scrape(exporter)), before)
            self.assertLess(time.monotonic() - begun, 10)
            exporter.process.send_signal(signal.SIGTERM)
            exporter.process.send_signal(signal.SIGTERM)
            self.assertEqual(exporter.stop(), 0)

    def test_a_log_that_nobody_reads_keeps_no_scrape_waiting(self):
        with World() as world, full_pipe() as (reader, writer):
            world.simulator("--repositories=20", "--speed=0")
            config = world.configure()
            with socket.create_server(("127.0.0.1", 0)) as free:
                address = f"127.0.0.1:{free.getsockname()[1]}"
            process = subprocess.Popen(
                [EXPORTER, f"--config.file={config}", f"--state.path={world.folder}/state.db",
                 f"--web.listen-address={address}", "--log.level=debug"],
                stdout=subprocess.DEVNULL, stderr=writer)

            def shows_the_truth():
                with contextlib.suppress(OSError):
                    shown = parse(http(f"http://{address}/metrics", timeout=5)[2].decode())
                    return not differences(counters(shown), world.truth())

            try:
                self.assertTrue(wait_for(shows_the_truth, timeout=30))
                self.assertTrue(wait_for(lambda: "msg=listening" in read_all(reader), timeout=30))
                fill(writer)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(10), 0)
            finally:
                process.kill()
                process.wait()

    def test_a_second_process_on_the_same_state_is_refused(self):
        with World() as world:
            world.simulator("--repositories=2")
            path = world.configure()
            exporter = world.exporter()
            second = run(f"--config.file={path}", f"--state.path={world.folder}/state.db",
                         "--web.listen-address=127.0.0.1:0")
            self.assertEqual(second.returncode, 1)
            self.assertIn(str(exporter.process.pid), second.stderr)

    def test_an_address_in_use_is_one_clear_line(self):
        with World() as world, socket.socket() as taken:
            world.simulator("--repositories=2")
            path = world.configure()
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            ended = run(f"--config.file={path}", "--state.path=:memory:",
                        f"--web.listen-address=127.0.0.1:{port}")
            self.assertEqual(ended.returncode, 1)
            self.assertIn(str(port), ended.stderr)

    def test_reload_takes_a_good_file_and_refuses_a_bad_one(self):
        with World() as world:
            world.simulator("--repositories=4", "--speed=0")
            path = world.configure()
            exporter = world.exporter()
            scrape(exporter)
            before = counters(scrape(exporter))
            good = path.read_text()
            path.write_text(good + "oops: 1\n")
            status, _, body = http(exporter.url + "/-/reload", "POST")
            self.assertEqual(status, 500)
            self.assertIn(b"oops", body)
            shown = scrape(exporter)
            self.assertEqual(shown[("registry_exporter_config_last_reload_successful", ())], 0)
            self.assertEqual(counters(shown), before)
            self.assertIn(b"oops", http(exporter.url + "/")[2])
            path.write_text(good.replace("  - name: swr", "  - name: swr2"))
            self.assertEqual(http(exporter.url + "/-/reload", "POST")[0], 200)
            after = wait_for(lambda: {key for key in scrape(exporter)
                                      if ("registry", "swr2") in key[1]})
            self.assertTrue(after)
            shown = scrape(exporter)
            self.assertEqual(shown[("registry_exporter_config_last_reload_successful", ())], 1)
            self.assertNotIn(b"oops", http(exporter.url + "/")[2])
            acr = {key: value for key, value in before.items() if ("registry", "acr") in key[1]}
            self.assertEqual({key: shown[key] for key in acr}, acr)
            exporter.process.send_signal(signal.SIGHUP)
            self.assertTrue(wait_for(lambda: len([line for line in exporter.lines
                                                  if "configuration reloaded" in line]) == 2))

    def test_the_supervisor_hears_how_it_stands(self):
        for abstract in (False, True):
            with World() as world, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.settimeout(30)
                name = f"{world.folder}/notify"
                manager.bind("\0" + name if abstract else name)
                os.environ["NOTIFY_SOCKET"] = "@" + name if abstract else name
                try:
                    world.simulator("--repositories=4", "--speed=0")
                    path = world.configure()
                    exporter = world.exporter()
                finally:
                    del os.environ["NOTIFY_SOCKET"]
                self.assertTrue(manager.recv(4096).startswith(b"READY=1\nSTATUS="))
                path.write_text(path.read_text() + "oops: 1\n")
                exporter.process.send_signal(signal.SIGHUP)
                self.assertEqual(manager.recv(4096), b"RELOADING=1")
                self.assertRegex(manager.recv(4096), b"READY=1\nSTATUS=.*not reloaded.*oops")
                exporter.process.send_signal(signal.SIGTERM)
                self.assertEqual(manager.recv(4096), b"STOPPING=1")

    def test_damaged_state_is_set_aside(self):
        with World() as world:
            world.simulator("--repositories=4", "--speed=0")
            world.configure()
            exporter = world.exporter()
            scrape(exporter)
            exporter.stop()
            state = world.folder / "state.db"
            state.write_bytes(b"\x00garbage" * 1000)
            exporter = world.exporter()
            shown = scrape(exporter)
            self.assertEqual(shown[("registry_exporter_state_recovered", ())], 1)
            self.assertEqual(sum(counters(scrape(exporter)).values()), 0)
            self.assertEqual(len(list(world.folder.glob("state.db.damaged-*"))), 1)


class BadClouds(unittest.TestCase):
    def test_an_answer_comes_in_time_whatever_the_cloud_does(self):
        with World() as world:
            world.simulator("--repositories=10", "--latency=4s")
            world.configure()
            exporter = world.exporter()
            for timeout in (1, 2, 3):
                begun = time.monotonic()
                shown = scrape(exporter, {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout)})
                self.assertLess(time.monotonic() - begun, timeout)
                self.assertEqual(shown[("acr_up", (("registry", "acr"),))], 0)

    def test_a_cloud_that_never_answers_keeps_no_other_waiting(self):
        with World() as world, socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(100)
            world.simulator("--repositories=10", "--speed=0")
            path = world.configure()
            head, acr, swr = re.split(r"(?=  - name: )", path.read_text())
            port = silent.getsockname()[1]
            path.write_text(head + swr.replace(world.sim.url, f"http://127.0.0.1:{port}") + acr)
            exporter = world.exporter()

            def left():
                truth = {key: value for key, value in world.truth().items()
                         if ("registry", "acr") in key[1]}
                shown = scrape(exporter, {"X-Prometheus-Scrape-Timeout-Seconds": "5"})
                self.assertEqual(shown[("acr_up", (("registry", "acr"),))], 1)
                self.assertEqual(shown[("swr_up", (("registry", "swr"),))], 0)
                return differences(counters(shown), truth)

            self.assertEqual(left(), {})
            world.control(speed=600)
            time.sleep(2)
            world.control(speed=0)
            self.assertTrue(wait_for(lambda: not left(), timeout=30))

    def test_wrong_keys_fail_one_registry_and_cost_one_call(self):
        with World() as world:
            world.simulator("--repositories=4", "--speed=0")
            world.configure(acr_secret="wrong")
            exporter = world.exporter()
            for _ in range(5):
                shown = scrape(exporter)
            self.assertEqual(shown[("acr_up", (("registry", "acr"),))], 0)
            self.assertEqual(shown[("swr_up", (("registry", "swr"),))], 1)
            refused = sum(value for (name, labels), value in shown.items()
                          if name == "registry_exporter_api_requests_total"
                          and ("outcome", "unauthorized") in labels)
            self.assertEqual(refused, 1)
            self.assertGreater(sum(counters(shown).values()), 0)

    def test_once_fails_when_a_registry_does(self):
        with World() as world:
            world.simulator("--repositories=4", "--speed=0")
            path = world.configure(acr_secret="wrong")
            ended = run(f"--config.file={path}", "--state.path=:memory:", "--once")
            self.assertEqual(ended.returncode, 1)
            self.assertGreater(sum(counters(parse(ended.stdout)).values()), 0)
            path = world.configure()
            ended = run(f"--config.file={path}", "--state.path=:memory:", "--once")
            self.assertEqual(ended.returncode, 0, ended.stderr)

    def test_once_reads_everything_whatever_was_read_a_moment_ago(self):
        with World() as world:
            world.simulator("--repositories=4", "--speed=600")
            path = world.configure(max_staleness="1h", sweep_interval="1h",
                                   discovery_interval="1h")

            def once():
                return run(f"--config.file={path}", f"--state.path={world.folder}/state.db",
                           "--once")

            def left(ended):
                return differences(counters(parse(ended.stdout)), world.truth())

            self.assertEqual(once().returncode, 0)
            time.sleep(1)
            world.control(speed=0)
            ended = once()
            self.assertEqual(ended.returncode, 0, ended.stderr)
            ended = once()  # A series that is new showed 0 first.
            self.assertEqual(left(ended), {})
            asked = {dict(labels)["operation"] for (name, labels), value
                     in parse(ended.stdout).items()
                     if name == "registry_exporter_api_requests_total" and value > 0}
            self.assertTrue({"ListRepository", "ListRepoBuildRecord"} <= asked, asked)
            world.sim.stop()
            ended = once()
            self.assertEqual(ended.returncode, 1)
            self.assertIn("not everything could be read", ended.stderr)

    def test_a_secret_file_that_changes_is_used_at_once(self):
        with World() as world:
            world.simulator("--repositories=4", "--speed=0")
            path = world.configure()
            secret = world.folder / "secret"
            secret.write_text("wrong\n")
            path.write_text(path.read_text().replace(
                "access_key_secret: demo-access-key-secret", f"access_key_secret_file: {secret}"))
            exporter = world.exporter()
            self.assertEqual(scrape(exporter)[("acr_up", (("registry", "acr"),))], 0)
            secret.write_text("demo-access-key-secret\n")
            self.assertTrue(wait_for(
                lambda: scrape(exporter)[("acr_up", (("registry", "acr"),))] == 1, timeout=10))


class Privacy(unittest.TestCase):
    def test_a_secret_that_everybody_may_read_is_told_at_start_and_at_each_reload(self):
        with World() as world:
            world.simulator("--repositories=1", "--speed=0")
            path = world.configure()
            written_out = path.read_text()
            for name, mode in (("open", 0o644), ("closed", 0o640), (path.name, 0o644)):
                secret = world.folder / name
                secret.write_text("demo-secret-key\n")
                path.write_text(written_out if secret == path else re.sub(
                    "secret_key: [^}]*", f"secret_key_file: {secret}", written_out))
                secret.chmod(mode)
                exporter = world.exporter(state=":memory:")
                self.assertEqual(http(exporter.url + "/-/reload", "POST")[0], 200)
                self.assertEqual(exporter.stop(), 0)
                told = [line for line in exporter.lines if "may read a secret" in line]
                self.assertEqual(len(told), 0 if name == "closed" else 2, exporter.lines)
                for line in told:
                    self.assertIn("level=warn", line)
                    self.assertIn(f"file={secret}", line)

    def test_others_of_its_user_can_not_look_into_it_and_it_leaves_no_core(self):
        if b"__asan_init" in EXPORTER.read_bytes():
            self.skipTest("the search for leaks looks from outside")
        with World() as world:
            world.simulator("--repositories=1", "--speed=0")
            world.configure()
            # Root may look everywhere, so another user does both.
            world.folder.chmod(0o755)
            (world.folder / "registry_exporter.yml").chmod(0o644)
            program = world.folder / "registry_exporter"
            shutil.copy(EXPORTER, program)
            program.chmod(0o755)
            nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
            process = subprocess.Popen(
                [program, f"--config.file={world.folder}/registry_exporter.yml",
                 "--state.path=:memory:", "--web.listen-address=127.0.0.1:0"],
                stderr=subprocess.PIPE, text=True, **nobody)
            self.addCleanup(process.stderr.close)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            self.assertIn("may read a secret", process.stderr.readline())
            self.assertIn("listening", process.stderr.readline())
            look = lambda pid: subprocess.run(["cat", f"/proc/{pid}/environ"], capture_output=True,
                                              check=False, **nobody).returncode
            self.assertEqual(look("self"), 0)
            self.assertNotEqual(look(process.pid), 0)
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
            self.assertRegex(limits, r"Max core file size +0 +0 ")


if __name__ == "__main__":
    unittest.main()
