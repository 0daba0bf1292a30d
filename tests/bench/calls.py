"""CPU time of one API call: the whole exporter (sign, send, parse, merge, commit, render) beside the
cloud's own JavaScript client, which only reads; the same lists of the same simulator."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/pace")]

REPOSITORIES = 100
CYCLES = 20


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--clients", default=str(ROOT / "build/conformance"),
                        help="the folder with node_modules, made by the conformance test")
    wanted = parser.parse_args()
    os.environ["BUILD"] = wanted.build
    import growth
    import harness
    with harness.World() as world:
        world.simulator(f"--repositories={REPOSITORIES}", "--seed=1")
        world.control(speed=0)
        growth.configure(world, max_staleness="1ms", sweep_interval="1ms", concurrency=1)
        exporter = world.exporter()
        harness.scrape(exporter)
        before, cpu = growth.calls(harness.scrape(exporter)), growth.cpu_seconds(exporter)
        for _ in range(CYCLES):
            series = harness.scrape(exporter)
        ours = (growth.cpu_seconds(exporter) - cpu) / (growth.calls(series) - before) * 1e6
        found = subprocess.run(
            ["node", str(ROOT / "tests/bench/sdk_calls.mjs"), "2000"], cwd=wanted.clients, text=True,
            capture_output=True, check=True, env={**os.environ, "SIMULATOR": world.sim.address})
        sdk, rows = map(float, found.stdout.split())
        print(f"| registry_exporter, whole lists | {ours:.0f} µs |\n"
              f"| @alicloud/openapi-core, {rows:.0f} rows a page | {sdk:.0f} µs, "
              f"{sdk / ours:.1f} times as much |")


if __name__ == "__main__":
    main()
