"""The N-th system call of the real program fails, for every N: it neither dies of a signal nor
hangs, and what it counts equals the truth, at the latest after a restart.

INJECT=all takes every N and every errno; else a sample of them. INJECT_CALLS=read,send: only those.
"""

import contextlib
import errno
import http.client
import mmap
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
from harness import (BUILD, World, counters, differences, http as get, parse,  # noqa: E402
                     wait_for)

# The order of inject.cc.
CALLS = ("open", "read", "pread", "write", "pwrite", "fsync", "ftruncate", "rename", "accept",
         "send", "recv", "connect", "malloc", "thread")
ERRORS = {
    "open": ("EIO", "ENOSPC", "EMFILE", "EINTR"),
    "read": ("EIO", "EINTR"),
    "pread": ("EIO", "EINTR"),
    "write": ("EIO", "ENOSPC", "EINTR"),
    "pwrite": ("EIO", "ENOSPC", "EINTR"),
    "fsync": ("EIO", "ENOSPC"),
    "ftruncate": ("EIO", "ENOSPC"),
    "rename": ("EIO",),
    "accept": ("EMFILE", "ENOMEM", "EINTR"),
    "send": ("EIO", "ENOMEM", "EINTR"),
    "recv": ("EIO", "ENOMEM", "EINTR"),
    "connect": ("EIO", "ENOMEM"),
    "malloc": ("ENOMEM",),
    "thread": ("EAGAIN",),
}
ALL = os.environ.get("INJECT") == "all"
AT = int(os.environ.get("INJECT_AT", "0"))  # This N alone.
ONLY = [call for call in os.environ.get("INJECT_CALLS", ",".join(CALLS)).split(",") if call]
SAMPLES = 4  # Of each call and errno, when not all.
MALLOC_SAMPLES = 1500 if ALL else 12
START_TIMEOUT = 10
EQUAL_TIMEOUT = 10


class Plan:
    """What inject.cc reads: four numbers for each call."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(b"\0" * 32 * len(CALLS))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 32 * len(CALLS))

    def fail(self, call, at, failures, error):
        struct.pack_into("<QQQQ", self._memory, 32 * CALLS.index(call), 0, at, failures, error)

    def refuse(self, call, error):
        """From now on every one of these fails, until heal()."""
        struct.pack_into("<QQQ", self._memory, 32 * CALLS.index(call) + 8, 1, 1 << 60,
                         getattr(errno, error))

    def heal(self):
        for call in CALLS:
            struct.pack_into("<Q", self._memory, 32 * CALLS.index(call) + 8, 0)

    def calls(self, call):
        return struct.unpack_from("<Q", self._memory, 32 * CALLS.index(call))[0]


class Run:
    """One start of the program with a plan; its stderr goes to a file, so that nothing blocks."""

    def __init__(self, world, state, plan=None):
        self.log = world.folder / "log"
        environment = {**os.environ, "MALLOC_ARENA_MAX": "2"}
        if plan:
            environment.update(LD_PRELOAD=str(BUILD / "libinject.so"), INJECT_PLAN=str(plan.path))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(BUILD / "registry_exporter"),
                 f"--config.file={world.folder}/registry_exporter.yml", f"--state.path={state}",
                 f"--web.listen-address=127.0.0.1:{world.port}", "--web.enable-lifecycle"],
                stdout=log, stderr=subprocess.STDOUT, env=environment)
        self.url = f"http://127.0.0.1:{world.port}"

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_ready(self):
        """True once it answers, False when it ended; raises when it does neither."""
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError):
                if get(self.url + "/-/ready", timeout=2)[0] == 200:
                    return True
            time.sleep(0.01)
        raise AssertionError("neither ready nor ended:\n" + self.text())

    def left(self, truth):
        """What differs from the truth after a while of scraping."""
        left = "no answer"
        end = time.monotonic() + EQUAL_TIMEOUT
        while time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, _, body = get(self.url + "/metrics", timeout=5, headers={
                    "X-Prometheus-Scrape-Timeout-Seconds": "2"})
                if status == 200:
                    shown = parse(body.decode())
                    left = differences(counters(shown), truth)
                    if not left:
                        return {}
            if self.process.poll() is not None:
                return f"ended with {self.process.returncode}"
            time.sleep(0.02)
        return left

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(8)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "hangs at the end"


class Injection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.world.simulator("--repositories=3", "--speed=0")
        cls.world.configure()
        cls.world.port = free_port()
        cls.truth = cls.world.truth()
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__()

    def state(self):
        type(self).number += 1
        return self.world.folder / f"{self.number}.db"

    def totals(self):
        """How often an undisturbed run makes each call."""
        plan = Plan(self.world.folder / "plan")
        run = Run(self.world, self.state(), plan)
        self.assertTrue(run.wait_ready())
        self.assertEqual(run.left(self.truth), {})
        self.assertEqual(run.stop(), 0, run.text())
        return {call: plan.calls(call) for call in CALLS}

    def check(self, call, at, failures, error):
        """What is wrong with a run in which this fails, or None."""
        state = self.state()
        plan = Plan(self.world.folder / "plan")
        plan.fail(call, at, failures, getattr(errno, error))
        run = Run(self.world, state, plan)
        try:
            problem = self.judge(run, call)
        finally:
            if run.process.poll() is None:
                run.process.kill()
                run.process.wait()
        if problem:
            return problem + ":\n" + run.text()[-2000:]
        first = run.text()[-2000:]
        again = Run(self.world, state)
        try:
            if not again.wait_ready():
                return "no start on what it left:\n" + again.text()
            left = again.left(self.truth)
            if list(state.parent.glob(state.name + ".damaged-*")):
                left = "taken for damaged"
            if left:
                return f"wrong after a restart: {left}\nfirst:\n{first}\nthen:\n{again.text()}"
        finally:
            again.process.kill()
            again.process.wait()
            for file in state.parent.glob(state.name + "*"):
                file.unlink()
        return None

    def judge(self, run, call):
        ready = run.wait_ready()
        left = run.left(self.truth) if ready else {}
        code = run.process.poll()
        if code is not None:
            return self.judge_end(run, code, may_end=not ready or call == "malloc")
        if left:
            return f"wrong: {left}"
        code = run.stop()
        return None if code == 0 else self.judge_end(run, code, may_end=call == "malloc")

    def judge_end(self, run, code, may_end):
        """Out of memory, and at the start, the program may end: with 1 and with a word."""
        if not may_end or code not in (1, 2):
            return f"ended with {code}"
        return None if "registry_exporter" in run.text() else f"ended with {code} without a word"

    def test_a_call_that_fails_costs_nothing_that_counts(self):
        totals = self.totals()
        print(f"\ncalls of one run: {totals}", file=sys.stderr)
        problems = []
        runs = 0
        for call in ONLY:
            limit = totals[call] + 1
            count = MALLOC_SAMPLES if call == "malloc" else limit if ALL else SAMPLES
            for number, error in enumerate(ERRORS[call]):
                # Different ones for each errno, spread over the run.
                places = {1 + (i * limit + number * limit // 4) // count % limit
                          for i in range(min(count, limit))}
                for at in [AT] if AT else sorted(places):
                    for failures in ((1, 5) if ALL else (1 if at % 2 else 3,)):
                        runs += 1
                        problem = self.check(call, at, failures, error)
                        if problem:
                            problems.append(f"{call} {at} (×{failures}) {error}: {problem}")
                            print("WRONG", problems[-1], file=sys.stderr, flush=True)
            print(f"{call}: {runs} runs so far, {len(problems)} wrong", file=sys.stderr, flush=True)
        self.assertEqual(problems, [])


class NoThreads(unittest.TestCase):
    """A reload ends every thread that collects and starts others: there may be none to have."""

    def test_a_reload_without_threads_never_leaves_a_program_that_collects_nothing(self):
        for ask in (lambda run: run.process.send_signal(signal.SIGHUP),
                    lambda run: get(run.url + "/-/reload", method="POST", timeout=5)):
            with World() as world:
                world.simulator("--repositories=4", "--speed=0")
                world.configure()
                world.port = free_port()
                plan = Plan(world.folder / "plan")
                run = Run(world, world.folder / "state.db", plan)
                try:
                    self.assertTrue(run.wait_ready())
                    self.assertEqual(run.left(world.truth()), {})
                    plan.refuse("thread", "EAGAIN")
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        ask(run)
                    self.assertTrue(wait_for(lambda: run.process.poll() is not None, 5), run.text())
                    self.assertEqual(run.process.returncode, 1, run.text())
                    self.assertIn("registry_exporter: ", run.text())
                finally:
                    run.process.kill()
                    run.process.wait()
                world.control(speed=600)
                time.sleep(1)
                world.control(speed=0)
                again = Run(world, world.folder / "state.db")
                try:
                    self.assertTrue(again.wait_ready(), again.text())
                    self.assertEqual(again.left(world.truth()), {})
                finally:
                    again.process.kill()
                    again.process.wait()


class BadDisk(unittest.TestCase):
    """The disk refuses for a while: what is shown stays as it was saved, then all is well again."""

    def test_a_full_broken_or_read_only_disk_is_lived_through(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=0")
            world.configure()
            world.port = free_port()
            plan = Plan(world.folder / "plan")
            run = Run(world, world.folder / "state.db", plan)
            try:
                self.assertTrue(run.wait_ready())
                for calls, error in ((("pwrite", "ftruncate"), "ENOSPC"),
                                     (("pwrite", "open", "ftruncate"), "EROFS"),
                                     (("fsync",), "EIO"), (("pwrite", "fsync", "pread"), "EIO")):
                    with self.subTest(calls=calls, error=error):
                        self.live_through(world, run, plan, calls, error)
            finally:
                run.process.kill()
                run.process.wait()
            again = Run(world, world.folder / "state.db")
            try:
                self.assertTrue(again.wait_ready(), again.text())
                self.assertEqual(again.left(world.truth()), {})
            finally:
                again.process.kill()
                again.process.wait()
            self.assertEqual(list(world.folder.glob("state.db.damaged-*")), [])

    def live_through(self, world, run, plan, calls, error):
        self.assertEqual(run.left(world.truth()), {})
        before = self.scrape(run)
        for call in calls:
            plan.refuse(call, error)
        world.control(speed=600)
        for _ in range(8):
            shown = self.scrape(run)
            self.assertEqual(counters(shown), counters(before), "shown without being saved")
            time.sleep(0.1)
        world.control(speed=0)
        failed = ("registry_exporter_state_commits_total", (("result", "error"),))
        self.assertGreater(shown[failed], before.get(failed, 0))
        self.assertNotEqual(differences(counters(shown), world.truth()), {}, "nothing happened")
        plan.heal()
        self.assertEqual(run.left(world.truth()), {})

    def scrape(self, run):
        status, _, body = get(run.url + "/metrics", timeout=10,
                               headers={"X-Prometheus-Scrape-Timeout-Seconds": "2"})
        self.assertEqual(status, 200)
        return parse(body.decode())

    def test_a_real_disk_that_is_full_is_lived_through(self):
        with World() as world:
            disk = world.folder / "disk"
            disk.mkdir()
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(disk)],
                                     capture_output=True)
            if mounted.returncode:
                self.skipTest("no right to mount")
            try:
                self.fill_and_free(world, disk)
            finally:
                subprocess.run(["umount", "-l", str(disk)], check=True)

    def fill_and_free(self, world, disk):
        world.simulator("--repositories=4", "--speed=0")
        world.configure()
        world.port = free_port()
        run = Run(world, disk / "state.db")
        try:
            self.assertTrue(run.wait_ready(), run.text())
            self.assertEqual(run.left(world.truth()), {})
            before = self.scrape(run)
            with contextlib.suppress(OSError):
                with open(disk / "ballast", "wb", buffering=0) as ballast:
                    while ballast.write(b"x" * 4096):
                        pass
            world.control(speed=600)
            time.sleep(1)
            for _ in range(10):
                shown = counters(self.scrape(run))
                for key, value in counters(before).items():
                    self.assertGreaterEqual(shown[key], value)
                time.sleep(0.05)
            world.control(speed=0)
            (disk / "ballast").unlink()
            subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
            self.assertEqual(run.left(world.truth()), {})
        finally:
            run.process.kill()
            run.process.wait()


def free_port():
    import socket
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


if __name__ == "__main__":
    unittest.main()
