"""What the real program costs as repositories become more, and how near a cold start comes to what
its calls allow. The simulator answers after a fixed latency; nothing limits the rate.

python3 tests/pace/growth.py [--build build] [--sizes 1000,3000] [--latency 20] [--svg FILE]
"""

import argparse
import os
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

CONFIG = """
collection:
  min_interval: 0s
  sweep_interval: {sweep_interval}
  discovery_interval: {discovery_interval}
  max_staleness: {max_staleness}
metrics:
  windows: [10s]
  max_repositories: 100000
registries:
  - name: acr
    type: acr
    region: demo-region
    endpoint: {endpoint}
    instance_id: cri-demo
    credentials: {{access_key_id: demo-access-key-id, access_key_secret: demo-access-key-secret}}
    requests_per_second: 1000000
    concurrency: {concurrency}
    request_timeout: 30s
"""
CONCURRENCY = 32
WARM_CYCLES = 5
TICKS = os.sysconf("SC_CLK_TCK")


def configure(world, **changes):
    values = {"sweep_interval": "1h", "discovery_interval": "1h",
              "max_staleness": "1s", "endpoint": world.sim.url, "concurrency": CONCURRENCY,
              **changes}
    (world.folder / "registry_exporter.yml").write_text(CONFIG.format(**values))


def cpu_seconds(process):
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_kilobytes(process):
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def total(series, name, **labels):
    return sum(value for (each, found), value in series.items()
               if each == name and labels.items() <= dict(found).items())


def calls(series):
    return total(series, "registry_exporter_api_requests_total")


def measure(harness, size, latency_ms):
    """One row: a cold cycle at a latency, then warm ones."""
    patience = {"X-Prometheus-Scrape-Timeout-Seconds": "600"}
    with harness.World() as world:
        world.simulator(f"--repositories={size}", f"--latency={latency_ms}ms", "--seed=1")
        world.control(speed=0)
        configure(world)
        exporter = world.exporter()
        at_start = memory_kilobytes(exporter)
        begun = time.monotonic()
        series = harness.scrape(exporter, headers=patience, timeout=620)
        wall = time.monotonic() - begun
        collected = total(series, "registry_exporter_collection_duration_seconds")
        cold_calls, cold_cpu = calls(series), cpu_seconds(exporter)
        unread = total(series, "registry_exporter_repositories", state="pending")
        assert unread == 0, unread
        for _ in range(WARM_CYCLES):
            time.sleep(1.1)
            series = harness.scrape(exporter, headers=patience, timeout=620)
        warm_calls = calls(series) - cold_calls
        return {
            "repositories": int(total(series, "registry_exporter_repositories")),
            "calls": cold_calls,
            "wall": wall,
            "cycle": collected,
            "ideal": cold_calls * latency_ms / 1000 / CONCURRENCY,
            "cold_cpu": cold_cpu / cold_calls * 1e6,
            "warm_cpu": (cpu_seconds(exporter) - cold_cpu) / warm_calls * 1e6,
            "calls_a_read": warm_calls / WARM_CYCLES / size,
            "memory": (memory_kilobytes(exporter) - at_start) / size,
            "state": total(series, "registry_exporter_state_size_bytes") / size,
        }


COLUMNS = (("repositories", "repositories", "{:,.0f}"), ("calls", "cold calls", "{:,.0f}"),
           ("cycle", "cold cycle, s", "{:.2f}"), ("ideal", "calls × latency ÷ workers, s", "{:.2f}"),
           ("calls_a_read", "calls a warm read", "{:.2f}"),
           ("cold_cpu", "CPU a cold call, µs", "{:.0f}"),
           ("warm_cpu", "CPU a warm call, µs", "{:.0f}"),
           ("memory", "memory a repository, KB", "{:.1f}"),
           ("state", "state a repository, bytes", "{:,.0f}"))


def print_table(rows):
    print("| " + " | ".join(title for _, title, _ in COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for row in rows:
        print("| " + " | ".join(form.format(row[key]) for key, _, form in COLUMNS) + " |")


SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 240" font-family="sans-serif" font-size="12">
<style>
  text {{ fill: #444 }} .axis {{ stroke: #888 }} .line {{ fill: none; stroke: #2a78c8; stroke-width: 2 }}
  .dot {{ fill: #2a78c8 }}
  @media (prefers-color-scheme: dark) {{ text {{ fill: #ccc }} .line {{ stroke: #6db3f2 }} .dot {{ fill: #6db3f2 }} }}
</style>
{panels}
</svg>
"""
PANELS = (("warm_cpu", "CPU a warm call, µs"), ("memory", "memory a repository, KB"),
          ("state", "state a repository, bytes"))


def panel(rows, key, title, left):
    """Flat is what is hoped for: the axis begins at 0."""
    width, height, top = 190, 150, 40
    most = max(row[key] for row in rows) * 1.25
    points = []
    for i, row in enumerate(rows):
        x = left + width * (i + 0.5) / len(rows)
        y = top + height * (1 - row[key] / most)
        points.append((x, y, row))
    marks = "".join(
        f'<circle class="dot" cx="{x:.0f}" cy="{y:.0f}" r="4"/>'
        f'<text x="{x:.0f}" y="{y - 9:.0f}" text-anchor="middle">{row[key]:,.0f}</text>'
        f'<text x="{x:.0f}" y="{top + height + 18}" text-anchor="middle">'
        f'{row["repositories"] / 1000:.0f}k</text>' for x, y, row in points)
    path = " ".join(f"{x:.0f},{y:.0f}" for x, y, _ in points)
    return (f'<text x="{left}" y="20" font-weight="bold">{title}</text>'
            f'<line class="axis" x1="{left}" y1="{top + height}" x2="{left + width}" '
            f'y2="{top + height}"/><polyline class="line" points="{path}"/>{marks}')


def draw(rows, path):
    panels = "\n".join(panel(rows, key, title, 30 + 230 * i)
                       for i, (key, title) in enumerate(PANELS))
    Path(path).write_text(SVG.format(panels=panels))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--sizes", default="1000,3000,10000,30000")
    parser.add_argument("--latency", type=int, default=20, help="of each call, ms")
    parser.add_argument("--svg")
    wanted = parser.parse_args()
    os.environ["BUILD"] = wanted.build
    import harness  # Reads BUILD.
    rows = []
    for size in map(int, wanted.sizes.split(",")):
        rows.append(measure(harness, size, wanted.latency))
        print_table(rows[-1:])
        if wanted.svg:
            draw(rows, wanted.svg)
    print()
    print_table(rows)


if __name__ == "__main__":
    main()
