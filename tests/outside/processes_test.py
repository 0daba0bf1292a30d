"""What a parent leaves to the program: descriptors, signals, limits, a user, pipes. Each fact has its source.

- Parents close descriptors 0 to 2, and what is opened next gets their numbers: a log was written into a
  database (Mithril-mine/libmdbx#144); SQLite refuses to use them (sqlite3 os_unix.c, SQLITE_MINIMUM_FILE_DESCRIPTOR);
  libc fills them for privileged programs, opened so that using them fails (glibc csu/check_fds.c).
- Over RLIMIT_FSIZE the kernel sends SIGXFSZ before write(2) says EFBIG (setrlimit(2)).
- Ignored and blocked signals survive execve(2); nohup(1) ignores SIGHUP.
- A state made by root and opened by another user (prometheus/prometheus#3441; Kubernetes' fsGroupChangePolicy
  OnRootMismatch leaves it so).
- Shells hand over pipes as /dev/fd/63 (bash(1), process substitution); they can be read once.
"""

import contextlib
import itertools
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
from harness import (EXPORTER, SIMULATOR, World, counters, differences, http, parse,  # noqa: E402
                     scrape, wait_for)

SANITIZED = b"__asan_init" in EXPORTER.read_bytes() or b"__tsan_init" in EXPORTER.read_bytes()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def closing(*descriptors):
    return lambda: [os.close(each) for each in descriptors]


class Started:
    """An exporter whose stderr may lead nowhere: known by its port."""

    def __init__(self, test, *flags, prepare=None, config=None, **more):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        world = test.world
        self.process = subprocess.Popen(
            [EXPORTER, f"--config.file={config or world.folder / 'registry_exporter.yml'}",
             f"--state.path={world.folder}/state.db", f"--web.listen-address=127.0.0.1:{self.port}",
             "--web.enable-lifecycle", *flags], preexec_fn=prepare, **more)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)

    def is_ready(self):
        with contextlib.suppress(OSError):
            return http(self.url + "/-/ready")[0] == 200

    def wait_ready(self, test):
        test.assertTrue(wait_for(lambda: self.process.poll() is not None or self.is_ready(),
                                 timeout=30, pause=0.05))
        test.assertIsNone(self.process.poll(), "it ended")
        return self

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(20)


class WithWorld(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.world.simulator("--repositories=3", "--speed=0")
        self.config = self.world.configure()

    def run_once(self, *flags, state=":memory:", **more):
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        return subprocess.run([EXPORTER, f"--config.file={self.config}", f"--state.path={state}",
                               *flags], text=True, check=False, timeout=60, **more)

    def assert_counts_the_truth(self, exporter):
        truth = self.world.truth()
        self.assertTrue(wait_for(lambda: not differences(counters(scrape(exporter)), truth)))


class Descriptors(WithWorld):
    def test_whichever_are_closed_the_state_holds_the_state_alone(self):
        for count in range(4):
            for closed in itertools.combinations((0, 1, 2), count):
                with self.subTest(closed=closed):
                    exporter = Started(self, prepare=closing(*closed)).wait_ready(self)
                    self.assert_counts_the_truth(exporter)
                    held = pathlib.Path(f"/proc/{exporter.process.pid}/fd")
                    for each in closed if os.geteuid() == 0 else ():  # Nobody else may look.
                        self.assertEqual(os.readlink(held / str(each)), "/dev/null")
                    # What is logged now would go into whatever is descriptor 2.
                    self.assertEqual(http(exporter.url + "/-/reload", "POST")[0], 200)
                    self.assertEqual(exporter.end(), 0)
                    self.assert_state_is_whole()

    def assert_state_is_whole(self):
        note = (self.world.folder / "state.db.lock").read_text()
        self.assertRegex(note, r"\Apid \d{19}\ncreated \d{19}\ncommits \d{20}\ndamaged 0\n\Z")
        for path in self.world.folder.glob("state.db*"):
            self.assertNotIn(b"level=", path.read_bytes(), path)
        with contextlib.closing(sqlite3.connect(self.world.folder / "state.db")) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        self.assertEqual(list(self.world.folder.glob("*.damaged-*")), [])

    def test_an_answer_that_did_not_arrive_is_a_failure_with_one_line(self):
        rows = [("--once",), ("--version",), ("--help",), ("--config.check",), ("--doctor",)]
        full = open("/dev/full", "w", encoding="utf-8")
        self.addCleanup(full.close)
        reader, writer = os.pipe()
        self.addCleanup(os.close, writer)
        os.close(reader)
        for flags in rows:
            for name, how in (("closed", {"stdout": None, "preexec_fn": closing(1)}),
                              ("full", {"stdout": full}), ("nobody reads", {"stdout": writer})):
                with self.subTest(flags=flags, stdout=name):
                    ended = self.run_once(*flags, **how)
                    self.assertEqual(ended.returncode, 1, ended.stderr)
                    said = [line for line in ended.stderr.splitlines() if "stdout" in line]
                    self.assertEqual(len(said), 1, ended.stderr)
        self.assertEqual(self.run_once("--once", "--log.level=error", stdout=subprocess.DEVNULL,
                                       stderr=None, preexec_fn=closing(0, 2)).returncode, 0)

    def test_the_simulator_keeps_its_sockets_apart_too(self):
        port = free_port()
        process = subprocess.Popen([SIMULATOR, f"--listen-address=127.0.0.1:{port}"],
                                   preexec_fn=closing(0, 1, 2))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def truth():
            with contextlib.suppress(OSError):
                return http(f"http://127.0.0.1:{port}/truth")[0] == 200
        self.assertTrue(wait_for(truth, timeout=20, pause=0.05))
        self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/2"), "/dev/null")

    def test_a_log_that_nobody_takes_stops_nothing(self):
        reader, writer = os.pipe()
        os.close(reader)
        exporter = Started(self, stderr=writer, stdin=writer).wait_ready(self)
        os.close(writer)
        self.assert_counts_the_truth(exporter)
        self.assertEqual(exporter.end(), 0)


class Signals(WithWorld):
    def test_a_file_that_may_not_grow_is_a_full_disk(self):
        world = self.world
        exporter = Started(self).wait_ready(self)
        self.assert_counts_the_truth(exporter)
        before = counters(scrape(exporter))
        limit = (world.folder / "state.db").stat().st_size
        ceiling = resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (limit, ceiling))
        failures = (("registry_exporter_state_commits_total", (("result", "error"),)))
        world.control(speed=20000)

        def has_failed():
            series = scrape(exporter)
            return series.get(failures, 0) > 0 and series
        shown = wait_for(has_failed, timeout=40)
        self.assertTrue(shown)
        world.control(speed=0)
        stands = counters(scrape(exporter))
        self.assertTrue(all(stands[key] >= value for key, value in before.items()))
        self.assertEqual(counters(scrape(exporter)), stands)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (ceiling, ceiling))
        self.assert_counts_the_truth(exporter)
        self.assertEqual(exporter.end(), 0)

    @unittest.skipIf(SANITIZED, "ThreadSanitizer itself writes before the program begins")
    def test_no_file_may_be_written_at_the_start(self):
        for size in (0, 1, 5000):
            with self.subTest(size=size):
                ended = self.run_once(
                    "--once", state=f"{self.world.folder}/limit-{size}.db",
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
                self.assertEqual(ended.returncode, 1, ended.stderr)
                self.assertIn(f"limit-{size}.db", ended.stderr)
                self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)

    def test_a_mask_or_dispositions_of_the_parent_keep_nothing_from_ending(self):
        every = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
        block = lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        ignore = lambda: [signal.signal(each, signal.SIG_IGN) for each in every]
        for name, prepare in (("blocked", block), ("ignored", ignore)):
            with self.subTest(name):
                exporter = Started(self, prepare=prepare).wait_ready(self)
                reloaded = lambda: scrape(exporter)[
                    ("registry_exporter_config_last_reload_success_timestamp_seconds", ())]
                before = reloaded()
                exporter.process.send_signal(signal.SIGHUP)
                self.assertTrue(wait_for(lambda: reloaded() > before, timeout=10))
                self.assertEqual(exporter.end(), 0)
                silent = socket.create_server(("127.0.0.1", 0))
                self.addCleanup(silent.close)
                slow = self.config.read_text().replace(
                    self.world.sim.url, f"http://127.0.0.1:{silent.getsockname()[1]}")
                path = self.world.folder / "slow.yml"
                path.touch(mode=0o600)
                path.write_text(slow)
                once = subprocess.Popen([EXPORTER, f"--config.file={path}", "--once",
                                         "--state.path=:memory:"], preexec_fn=prepare,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.addCleanup(once.wait)
                self.addCleanup(once.kill)
                time.sleep(0.5)
                once.terminate()
                self.assertEqual(once.wait(10), -signal.SIGTERM)


class Limits(WithWorld):
    def ends_or_serves(self, prepare):
        """The end's code, or None when it serves or waits for room; never a signal, never a hang."""
        exporter = Started(self, prepare=prepare, stderr=subprocess.PIPE, text=True)
        with exporter.process.stderr:
            wait_for(lambda: exporter.process.poll() is not None or exporter.is_ready(),
                     timeout=5, pause=0.02)
            code = exporter.process.poll()
            if code is None:
                self.assertEqual(exporter.end(), 0)
                return None
            said = exporter.process.stderr.read()
        self.assertIn(code, (1, 2), said)
        self.assertLessEqual(len(said.splitlines()), 2, said)
        return code

    @unittest.skipIf(SANITIZED, "a sanitizer needs a pipe to tell which memory it may read")
    def test_few_descriptors(self):
        found = {}
        for most in (4, 5, 6, 8, 12, 24, 64):
            limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            found[most] = self.ends_or_serves(limit)
        self.assertIsNone(found[64])

    @unittest.skipIf(SANITIZED, "sanitizers take more memory than there is")
    def test_little_memory(self):
        found = {}
        # With less than this the loader of shared libraries speaks, not the program.
        for mebibytes in (60, 80, 120, 200, 2000):
            size = mebibytes << 20
            limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))
            found[mebibytes] = self.ends_or_serves(limit)
        self.assertIsNone(found[2000])

    def test_any_umask(self):
        for mask in (0o000, 0o077, 0o777):
            with self.subTest(umask=oct(mask)):
                exporter = Started(self, prepare=lambda: os.umask(mask)).wait_ready(self)
                self.assertEqual(exporter.end(), 0)
                for path in self.world.folder.glob("state.db*"):
                    self.assertEqual(path.stat().st_mode & 0o7777, 0o600, path)
                    path.unlink()


class StateOfAnother(WithWorld):
    """As root the state is root's and the program another user's; else the folders are closed."""

    NOBODY = 65534

    def setUp(self):
        super().setUp()
        self.world.folder.chmod(0o755)
        self.config.chmod(0o644)
        self.program = self.world.folder / "registry_exporter"
        shutil.copy(EXPORTER, self.program)
        self.program.chmod(0o755)
        self.state = self.world.folder / "state"
        self.state.mkdir(mode=0o777)
        self.state.chmod(0o777)
        self.is_root = os.geteuid() == 0
        self.identity = ({"user": self.NOBODY, "group": self.NOBODY, "extra_groups": []}
                         if self.is_root else {})

    def start(self, path, **identity):
        return subprocess.run([self.program, f"--config.file={self.config}", "--once",
                               "--log.level=error", f"--state.path={path}"], capture_output=True, text=True,
                              check=False, timeout=60, **identity)

    def refused(self, obstacle, path=None):
        ended = self.start(path or self.state / "state.db", **self.identity)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        lines = [line for line in ended.stderr.splitlines() if not line.startswith("ts=")]
        self.assertEqual(len(lines), 1, ended.stderr)
        owner = re.escape("root (0)") if self.is_root else r"\S+ \(\d+\)"
        self.assertRegex(lines[0], rf"{re.escape(str(obstacle))} belongs to {owner}, mode 0\d+, "
                                   r"this process is \S+ \(\d+\): (ch(own|mod) |give the state a folder )")

    def close(self, path):
        """Root's files are nobody's to use; without root they are closed to ourselves."""
        path.chmod((0o755 if path.is_dir() else 0o600) if self.is_root else 0o000)

    def test_the_database(self):
        self.assertEqual(self.start(self.state / "state.db").returncode, 0)
        (self.state / "state.db.lock").chmod(0o666)
        self.close(self.state / "state.db")
        self.refused(self.state / "state.db")

    def test_the_lock(self):
        self.assertEqual(self.start(self.state / "state.db").returncode, 0)
        self.close(self.state / "state.db.lock")
        self.refused(self.state / "state.db.lock")

    def test_a_log_left_by_another_that_was_killed(self):
        self.assertEqual(self.start(self.state / "state.db").returncode, 0)
        for path in self.state.iterdir():
            path.chmod(0o666)
        log = self.state / "state.db-wal"
        log.write_bytes(b"")
        self.close(log)
        self.refused(log)

    def test_the_folder(self):
        self.close(self.state)
        self.refused(self.state)
        self.state.chmod(0o777)

    def test_a_folder_far_above(self):
        below = self.state / "one" / "two"
        below.mkdir(parents=True)
        below.chmod(0o777)
        self.state.chmod(0o700 if self.is_root else 0o000)
        self.refused(self.state, below / "state.db")
        self.state.chmod(0o777)

    def test_a_folder_that_may_be_read_but_not_written(self):
        self.assertEqual(self.start(self.state / "state.db").returncode, 0)
        for path in self.state.iterdir():
            path.chmod(0o666)
        self.state.chmod(0o555)
        self.refused(self.state)
        self.state.chmod(0o777)


class Pipes(WithWorld):
    """The shell's: `--config.file=<(vault …)`, `… | registry_exporter --config.file=/dev/stdin`."""

    def piped(self, text):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.write(writer, text.encode())
        os.close(writer)
        return reader

    def test_a_configuration_through_each_kind_of_pipe_is_read(self):
        text = self.config.read_text()
        fifo = self.world.folder / "fifo"
        os.mkfifo(fifo)
        for name in ("/dev/stdin", "/dev/fd/63", str(fifo)):
            with self.subTest(name):
                more = {"input": text} if name == "/dev/stdin" else {}
                if name.endswith("63"):
                    pipe = self.piped(text)
                    more = {"preexec_fn": lambda: os.dup2(pipe, 63), "close_fds": False}
                writer = subprocess.Popen(["sh", "-c", 'sleep 0.3; exec cat "$0" >"$1"', self.config, fifo]
                                          if name == str(fifo) else ["true"])
                self.addCleanup(writer.wait)
                self.addCleanup(writer.kill)
                ended = subprocess.run([EXPORTER, f"--config.file={name}", "--once",
                                        "--state.path=:memory:"], text=True, capture_output=True,
                                       check=False, timeout=60, **more)
                self.assertEqual(writer.wait(10), 0)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertEqual(differences(counters(parse(ended.stdout)), self.world.truth()), {})

    def test_a_mistake_in_it_has_its_line(self):
        checked = subprocess.run([EXPORTER, "--config.file=/dev/stdin", "--config.check"],
                                 input="registries:\n  - nme: a\n", text=True, capture_output=True,
                                 check=False, timeout=60)
        self.assertEqual(checked.returncode, 1)
        self.assertIn("/dev/stdin:2: ", checked.stdout)

    def test_what_is_neither_file_nor_pipe_is_refused_at_once(self):
        for name in ("/dev/null", "/dev/zero", "/"):
            ended = subprocess.run([EXPORTER, f"--config.file={name}", "--config.check"], text=True,
                                   capture_output=True, check=False, timeout=10)
            self.assertEqual(ended.returncode, 1)
            self.assertIn("not a regular file or a pipe", ended.stdout)
        nothing = subprocess.run([EXPORTER, "--config.file=/dev/stdin", "--config.check"], input="",
                                 text=True, capture_output=True, check=False, timeout=10)
        self.assertEqual(nothing.returncode, 1)
        self.assertNotEqual(nothing.stdout, "")

    def test_reloading_says_that_a_pipe_is_read_once(self):
        exporter = Started(self, config="/dev/stdin", stdin=self.piped(self.config.read_text()),
                           stderr=subprocess.PIPE, text=True).wait_ready(self)
        self.assert_counts_the_truth(exporter)
        status, _, body = http(exporter.url + "/-/reload", "POST")
        self.assertEqual(status, 500)
        self.assertIn(b"/dev/stdin: it came through a pipe, which can't be read again", body)
        self.assert_counts_the_truth(exporter)
        series = scrape(exporter)
        self.assertEqual(series[("registry_exporter_config_last_reload_successful", ())], 0)
        self.assertEqual(exporter.end(), 0)
        with exporter.process.stderr as said:
            self.assertIn("a pipe, which can't be read again", said.read())

    def test_a_web_configuration_through_a_pipe_stays_in_force(self):
        pipe = self.piped("http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
        exporter = Started(self, "--web.config.file=/dev/fd/63", close_fds=False,
                           prepare=lambda: os.dup2(pipe, 63)).wait_ready(self)
        for _ in range(3):
            self.assertEqual(http(exporter.url + "/-/healthy")[1].get("X-Frame-Options"), "deny")
            time.sleep(0.6)  # It looks for changes twice a second.
        series = scrape(exporter)
        self.assertEqual(series[("registry_exporter_config_last_reload_successful", ())], 1)
        self.assertEqual(exporter.end(), 0)

    def test_a_secret_is_never_read_from_a_pipe(self):
        fifo = self.world.folder / "fifo"
        os.mkfifo(fifo)
        self.config.write_text(self.config.read_text().replace(
            "access_key_secret: demo-access-key-secret", f"access_key_secret_file: {fifo}"))
        ended = self.run_once("--once")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("not a regular file", ended.stderr)


if __name__ == "__main__":
    unittest.main()
