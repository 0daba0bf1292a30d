"""Does the time that a refusal takes tell whether the user exists, or how much of a password is right?

python3 tests/bench/auth_timing.py [--samples 20000]

Refusals of four kinds in random order over one kept connection, by the cheapest bcrypt hash, so that it
hides the least. Prints medians, how far each lies from that of unknown users, and the Mann–Whitney test's
p; then what a flood of wrong logins does to a scraper who was in before.
"""

import argparse
import base64
import math
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

PASSWORD = "correct horse battery staple"
KINDS = {
    "unknown user": lambda i: ("mallory", f"guess {i}"),
    "unknown user, again": lambda i: (f"nobody{i}", f"guess {i}"),
    "known user": lambda i: ("alice", f"guess {i}"),
    "known user, right beginning": lambda i: ("alice", PASSWORD[:-1] + str(i)),
}


def bcrypt(password):
    return subprocess.run(["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", password,
                           "$2y$04$abcdefghijklmnopqrstuu"], check=True, capture_output=True,
                          text=True).stdout


def header(user, password):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def asked(connection, headers, path="/"):
    """Seconds, and the status."""
    begun = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return time.perf_counter() - begun, answer.status


def mann_whitney_p(a, b):
    """Two-sided, by the normal approximation; ties are as good as absent in nanoseconds."""
    ranked = sorted([(x, 0) for x in a] + [(x, 1) for x in b])
    ranks = sum(i for i, (_, which) in enumerate(ranked, 1) if which == 0)
    u = ranks - len(a) * (len(a) + 1) / 2
    mean = len(a) * len(b) / 2
    deviation = math.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
    return math.erfc(abs(u - mean) / deviation / math.sqrt(2))


def refusals(connect, samples):
    connection = connect()
    times = {kind: [] for kind in KINDS}
    for i in range(samples):
        for kind in random.sample(list(KINDS), len(KINDS)):
            seconds, status = asked(connection, header(*KINDS[kind](i)))
            assert status == 401, status
            times[kind].append(seconds)
    base = times["unknown user"]
    usual = statistics.median(base)
    print("| refused | median, µs | against unknown users | Mann–Whitney p |\n|---|---|---|---|")
    for kind, found in times.items():
        median = statistics.median(found)
        print(f"| {kind} | {median * 1e6:.1f} | {(median / usual - 1) * 100:+.2f} % | "
              f"{'' if found is base else f'{mann_whitney_p(base, found):.2f}'} |")


def flood(connect, seconds):
    """A scraper's times alone and beside 1,000 wrong logins a second, ms."""
    right = header("alice", PASSWORD)
    stop = threading.Event()
    codes = []

    def attack(number):
        connection, i = connect(), 0
        while not stop.is_set():
            codes.append(asked(connection, header("alice", f"{number} {i}"))[1])
            i += 1
            time.sleep(0.004)

    def scrapes():
        connection = connect()
        end, found = time.monotonic() + seconds, []
        while time.monotonic() < end:
            found.append(asked(connection, right, "/metrics")[0] * 1e3)
            time.sleep(0.02)
        found.sort()
        return statistics.median(found), found[int(len(found) * 0.99)]

    alone = scrapes()
    attackers = [threading.Thread(target=attack, args=(i,)) for i in range(8)]
    for each in attackers:
        each.start()
    beside = scrapes()
    stop.set()
    for each in attackers:
        each.join()
    print(f"\nscrape, ms: alone {alone[0]:.1f} (p99 {alone[1]:.1f}), beside {len(codes) / seconds:.0f} "
          f"wrong logins a second {beside[0]:.1f} (p99 {beside[1]:.1f}); answered "
          f"{ {code: codes.count(code) for code in sorted(set(codes))} }")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--samples", type=int, default=20_000, help="of each kind")
    parser.add_argument("--flood", type=float, default=10, help="seconds")
    wanted = parser.parse_args()
    os.environ["BUILD"] = wanted.build
    import http.client
    import harness
    with harness.World() as world:
        world.simulator("--repositories=20", "--speed=0")
        world.configure()
        web = world.folder / "web.yml"
        web.write_text(f"basic_auth_users:\n  alice: {bcrypt(PASSWORD)}\n")
        exporter = world.exporter(f"--web.config.file={web}")
        host, port = exporter.address.split(":")

        def connect():
            connection = http.client.HTTPConnection(host, int(port), timeout=20)
            connection.connect()
            return connection

        refusals(connect, wanted.samples)
        flood(connect, wanted.flood)


if __name__ == "__main__":
    main()
