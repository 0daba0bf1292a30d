"""How long before its scraper leaves each answer comes, while the clouds hang, are slow or throttle.

python3 tests/bench/deadlines.py [--build build]
"""

import argparse
import os
import socket
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

TIMEOUTS = (0.5, 1, 2, 3, 5, 10, 15, 30, 60)
LONG_ENOUGH = 20  # Seconds for which each timeout is scraped with, at least once.


def margins(harness, exporter):
    """{timeout: [seconds left when the answer was there]}; all timeouts at the same time."""
    found = {timeout: [] for timeout in TIMEOUTS}

    def scrape(timeout):
        begun = time.monotonic()
        while not found[timeout] or time.monotonic() - begun < LONG_ENOUGH:
            asked = time.monotonic()
            harness.http(exporter.url + "/metrics",
                         headers={"X-Prometheus-Scrape-Timeout-Seconds": str(timeout)},
                         timeout=90)
            found[timeout].append(timeout - (time.monotonic() - asked))
            time.sleep(0.05)

    threads = [threading.Thread(target=scrape, args=[each]) for each in TIMEOUTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def measure(harness, name, silent, *flags):
    with harness.World() as world:
        world.simulator("--repositories=200", *flags)
        path = world.configure()
        if silent is not None:
            path.write_text(path.read_text().replace(world.sim.url, silent))
        found = margins(harness, world.exporter())
    wanted = {timeout: min(0.3, 0.4 * timeout) for timeout in TIMEOUTS}
    late = sum(left < wanted[timeout] for timeout in TIMEOUTS for left in found[timeout])
    closest = min(left - wanted[timeout] for timeout in TIMEOUTS for left in found[timeout])
    print(f"| {name} | {sum(map(len, found.values()))} | {late} | {closest * 1000:.0f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    os.environ["BUILD"] = str(parser.parse_args().build.resolve())
    import harness
    print("\n| clouds | scrapes | too near the scraper's timeout | closest, ms before |")
    print("|---|---|---|---|")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1000)
        measure(harness, "never answer", f"http://127.0.0.1:{listener.getsockname()[1]}")
    measure(harness, "answer after 4 s", None, "--latency=4s")
    measure(harness, "throttle every call", None, "--faults=throttle:100")
    measure(harness, "err in every way", None, "--faults=nasty")


if __name__ == "__main__":
    main()
