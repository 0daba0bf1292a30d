"""The N-th system call of the real program fails, for every N: it neither dies of a signal nor
hangs, and what it counts equals the truth, at the latest after a restart.

INJECT=all takes every N and every errno; else a sample of them. INJECT_CALLS=read,send: only those.
"""

import contextlib
import errno
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
from harness import BUILD, World, counters, differences, http, parse  # noqa: E402

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
                 f"--web.listen-address=127.0.0.1:{world.port}"],
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
                if http(self.url + "/-/ready", timeout=2)[0] == 200:
                    return True
            time.sleep(0.01)
        raise AssertionError("neither ready nor ended:\n" + self.text())

    def left(self, truth):
        """What differs from the truth after a while of scraping."""
        left = "no answer"
        end = time.monotonic() + EQUAL_TIMEOUT
        while time.monotonic() < end:
            with contextlib.suppress(OSError, EOFError):
                status, _, body = http(self.url + "/metrics", timeout=5, headers={
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


def free_port():
    import socket
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


if __name__ == "__main__":
    unittest.main()
