"""The real program is killed, interrupted, raced and given damaged state, while everything that
must not fall is watched.

CHAOS_KILLS, CHAOS_RACES, CHAOS_DAMAGES: how many; CHAOS_SEED: another run.
"""

import contextlib
import http.client
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import unittest

from harness import (EXPORTER, World, counters, differences, http as get, never_falls, parse,
                     scrape, settle, wait_for)

KILLS = int(os.environ.get("CHAOS_KILLS", "50"))
RACES = int(os.environ.get("CHAOS_RACES", "12"))
DAMAGES = int(os.environ.get("CHAOS_DAMAGES", "12"))
SEED = int(os.environ.get("CHAOS_SEED", "7"))
LOSE_AT_ONCE = 1.0  # Seconds in which a loser of a race has to be gone.


def say(text):
    print(text, file=sys.stderr, flush=True)


class Watcher:
    """Scrapes whatever runs at the moment, as fast as it can; keeps every fall of a series."""

    def __init__(self):
        self.url = None
        self.shown = {}
        self.falls = []
        self.scrapes = 0
        self.first_answers = []
        self._started = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def follow(self, url, started):
        self._started = started
        self.url = url

    def stop(self):
        self._stopping = True
        self._thread.join()

    def is_watching(self):
        return self._thread.is_alive()

    def _run(self):
        while not self._stopping:
            url, started = self.url, self._started
            if not url:
                time.sleep(0.005)
                continue
            with contextlib.suppress(OSError, http.client.HTTPException):  # It was killed.
                status, _, body = get(url + "/metrics", timeout=5, headers={
                    "X-Prometheus-Scrape-Timeout-Seconds": "1"})
                if status == 200:
                    self._take(body.decode(), started)

    def _take(self, text, started):
        if started is not None and started == self._started:
            self.first_answers.append(time.monotonic() - started)
            self._started = None
        shown = never_falls(parse(text))
        for key, value in self.shown.items():
            if shown.get(key, 0) < value:
                self.falls.append((self.scrapes, key, value, shown.get(key)))
        self.shown.update(shown)
        self.scrapes += 1


class Kills(unittest.TestCase):
    def test_kills_lose_nothing_and_no_counter_falls(self):
        dice = random.Random(SEED)
        watcher = Watcher()
        try:
            with World() as world:
                world.simulator("--repositories=50", "--speed=60", "--faults=mild",
                                f"--seed={SEED}")
                world.configure()
                for kill in range(KILLS):
                    started = time.monotonic()
                    exporter = world.exporter()
                    answered = watcher.scrapes
                    watcher.follow(exporter.url, started)
                    if kill % 4:  # Some die before their first answer, most at work.
                        wait_for(lambda: watcher.scrapes > answered, timeout=10, pause=0.01)
                    time.sleep(dice.uniform(0, 0.4))
                    watcher.url = None
                    exporter.stop(signal.SIGKILL)
                    self.assertEqual(watcher.falls, [], f"kill {kill}, seed {SEED}")
                    self.assertTrue(watcher.is_watching())
                exporter = world.exporter()
                watcher.follow(exporter.url, None)
                settle(self, world, exporter)
                self.assertEqual(exporter.stop(), 0)
                again = world.exporter()
                watcher.follow(again.url, None)
                settle(self, world, again)
        finally:
            watcher.stop()
        self.assertEqual(watcher.falls, [])
        self.assertGreater(watcher.scrapes, KILLS // 2)
        answers = sorted(watcher.first_answers)
        if len(answers) > 2:
            say(f"{KILLS} kills, {watcher.scrapes} answered scrapes, start to first answer: median "
                f"{statistics.median(answers) * 1000:.0f} ms, p99 "
                f"{answers[len(answers) * 99 // 100] * 1000:.0f} ms")


class Signals(unittest.TestCase):
    def test_a_storm_of_reloads_fails_no_scrape_and_leaks_no_file(self):
        with World() as world:
            world.simulator("--repositories=10", "--speed=60")
            path = world.configure()
            good = path.read_text()
            exporter = world.exporter()
            scrape(exporter)
            before = {}
            files = []
            for i in range(60):
                path.write_text(good if i % 2 else good + "oops: 1\n")
                exporter.process.send_signal(signal.SIGHUP)
                shown = scrape(exporter)
                for key, value in before.items():
                    self.assertGreaterEqual(shown.get(key, 0), value, (i, key))
                before = never_falls(shown)
                files.append(shown[("process_open_fds", ())])
            path.write_text(good)
            exporter.process.send_signal(signal.SIGHUP)
            reloaded = ("registry_exporter_config_last_reload_successful", ())
            self.assertTrue(wait_for(lambda: scrape(exporter)[reloaded] == 1, timeout=20))
            self.assertLess(max(files[30:]) - max(files[:30]), 10, files)
            self.assertEqual(exporter.stop(), 0)

    def test_a_storm_of_sigterm_at_any_moment_ends_with_0_and_everything_saved(self):
        dice = random.Random(SEED)
        slowest = 0
        with World() as world:
            world.simulator("--repositories=20", "--speed=60", "--faults=mild")
            world.configure()
            for _ in range(12):
                exporter = world.exporter()
                scrapes = threading.Thread(target=self.scrape_once, args=(exporter,))
                scrapes.start()
                time.sleep(dice.uniform(0, 0.3))
                for _ in range(dice.randint(1, 5)):
                    exporter.process.send_signal(signal.SIGTERM)
                begun = time.monotonic()
                self.assertEqual(exporter.stop(), 0, "".join(exporter.lines))
                slowest = max(slowest, time.monotonic() - begun)
                scrapes.join()
            exporter = world.exporter()
            settle(self, world, exporter)
        self.assertLess(slowest, 5)
        say(f"slowest end after SIGTERM: {slowest:.2f} s")

    @staticmethod
    def scrape_once(exporter):
        with contextlib.suppress(OSError, http.client.HTTPException):
            get(exporter.url + "/metrics", timeout=10)


class Races(unittest.TestCase):
    def test_of_many_starts_on_one_state_exactly_one_wins_and_the_others_leave(self):
        dice = random.Random(SEED)
        slowest = 0
        with World() as world:
            world.simulator("--repositories=2", "--speed=0")
            path = world.configure()
            for race in range(RACES):
                starts = [self.start(path, world) for _ in range(dice.randint(2, 8))]
                try:
                    slowest = max(slowest, self.judge(race, starts))
                finally:
                    for each in starts:
                        each.kill()
                        each.wait()
                        each.stderr.close()
        say(f"{RACES} races, slowest loser gone after {slowest:.2f} s")

    @staticmethod
    def start(path, world):
        process = subprocess.Popen(
            [str(EXPORTER), f"--config.file={path}", f"--state.path={world.folder}/state.db",
             "--web.listen-address=127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
        process.started = time.monotonic()
        return process

    def judge(self, race, starts):
        slowest = 0
        running = list(starts)
        end = time.monotonic() + 20
        while len(running) > 1 and time.monotonic() < end:
            for each in list(running):
                if each.poll() is not None:
                    running.remove(each)
                    slowest = max(slowest, time.monotonic() - each.started)
                    words = each.stderr.read()
                    self.assertEqual(each.returncode, 1, (race, words))
                    self.assertIn("in use by another process", words)
            time.sleep(0.005)
        self.assertEqual(len(running), 1, f"race {race}")
        self.assertIsNone(running[0].poll(), f"race {race}: nobody won")
        self.assertIn("listening", running[0].stderr.readline(), f"race {race}")
        return slowest

    def test_when_the_winner_is_killed_the_next_start_wins_at_once(self):
        with World() as world:
            world.simulator("--repositories=2", "--speed=0")
            path = world.configure()
            for race in range(max(3, RACES // 10)):
                winner = self.start(path, world)
                self.assertIn("listening", winner.stderr.readline())
                winner.kill()
                next_one = self.start(path, world)
                try:
                    self.assertIn("listening", next_one.stderr.readline(), f"race {race}")
                finally:
                    for each in (winner, next_one):
                        each.kill()
                        each.wait()
                        each.stderr.close()


class Damage(unittest.TestCase):
    """Whatever happens to the file: right values, or an empty start that says so."""

    def test_a_damaged_state_shows_right_values_or_none(self):
        dice = random.Random(SEED)
        aside = 0
        with World() as world:
            world.simulator("--repositories=10", "--speed=0")
            world.configure()
            exporter = world.exporter()
            truth = counters(settle_small(self, world, exporter))
            exporter.stop(signal.SIGKILL)  # The log is still there.
            names = [f.name for f in world.folder.glob("state.db*")]
            original = world.folder / "original"
            original.mkdir()
            for name in names:
                shutil.copy(world.folder / name, original / name)
            for i in range(DAMAGES):
                for file in world.folder.glob("state.db*"):
                    file.unlink()
                for name in names:
                    shutil.copy(original / name, world.folder / name)
                how = damage(world.folder / dice.choice(["state.db", "state.db", "state.db-wal"]),
                             dice)
                exporter = world.exporter()
                shown = scrape(exporter)
                recovered = shown[("registry_exporter_state_recovered", ())]
                values = counters(shown)
                if recovered:
                    aside += 1
                    self.assertEqual(sum(values.values()), 0, how)
                    self.assertTrue(list(world.folder.glob("state.db.damaged-*")), how)
                else:
                    self.assertEqual(differences(values, truth), {}, how)
                exporter.stop(signal.SIGKILL)
        self.assertGreater(aside, 0)
        say(f"{DAMAGES} damaged files, {aside} set aside")


def settle_small(test, world, exporter):
    truth = world.truth()
    test.assertTrue(wait_for(lambda: not differences(counters(scrape(exporter)), truth)))
    return scrape(exporter)


def damage(path, dice):
    """Bit flips, a cut, zeroed pages, or noise; says what it did."""
    content = bytearray(path.read_bytes())
    how = dice.choice(["flips", "cut", "zeros", "noise"])
    if how == "cut":
        del content[dice.randrange(1, len(content)):]
    elif how == "flips":
        for _ in range(dice.randint(1, 20)):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    else:
        at = dice.randrange(0, len(content), 4096)
        size = min(4096 * dice.randint(1, 3), len(content) - at)
        content[at:at + size] = bytes(size) if how == "zeros" else dice.randbytes(size)
    path.write_bytes(content)
    return f"{how} in {path.name}"


if __name__ == "__main__":
    unittest.main()
