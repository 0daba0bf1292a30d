"""Our scrape beside that of client_golang's promhttp and of prometheus-cpp's Exposer, on the same
series, on loopback, in turn. CPU time of the serving process; prints a Markdown table."""

import argparse
import os
import re
import statistics
import subprocess
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The servers are on this machine, whatever proxies the environment names.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.url = f"http://{self.process.stdout.readline().strip()}/metrics"
        self.milliseconds = {"plain": [], "gzip": []}
        self.bytes = {}
        self.lines = 0
        self.scrape("plain")  # Warm: every one may prepare what it keeps.
        self.scrape("gzip")

    def cpu_milliseconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / TICKS

    def scrape(self, kind):
        headers = {"Accept-Encoding": "gzip" if kind == "gzip" else "identity"}
        with DIRECTLY.open(urllib.request.Request(self.url, headers=headers)) as answer:
            body = answer.read()
        self.bytes[kind] = len(body)
        if kind == "plain":
            self.lines = sum(1 for line in body.splitlines() if not line.startswith(b"#"))

    def measure(self, kind, scrapes):
        before = self.cpu_milliseconds()
        for _ in range(scrapes):
            self.scrape(kind)
        self.milliseconds[kind].append((self.cpu_milliseconds() - before) / scrapes)

    def peak_megabytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def requests_per_second(server, seconds=5):
    done = subprocess.run(["wrk", "-t2", "-c50", f"-d{seconds}s", "--timeout", "30s", server.url],
                          capture_output=True, text=True, check=True)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])


def build_go(directory):
    target = directory / "promhttp"
    subprocess.run(["go", "build", "-o", str(target), str(HERE / "peers/promhttp.go")], check=True,
                   env={**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                        "GOCACHE": str(directory / "go-cache")})
    return target


def commands(build, repositories, percents):
    go = build_go(build)
    ours = [(f"registry_exporter, {percent:g} % changed since the last scrape",
             [str(build / "exposition_server"), str(repositories), str(percent)])
            for percent in percents]
    return ours + [("client_golang promhttp", [str(go), str(repositories)]),
                   ("prometheus-cpp Exposer", [str(build / "exposer"), str(repositories)])]


def ratio(theirs, ours):
    """How many times more, by rounds: median, and the least and the most."""
    each = sorted(a / max(b, 0.05) for a, b in zip(theirs, ours))
    return f"{statistics.median(each):.0f} ({each[0]:.0f}–{each[-1]:.0f})"


def compare(build, repositories, rounds):
    """Lines of Markdown."""
    servers = [Server(*each) for each in commands(build, repositories, [0, 1, 100])]
    for _ in range(rounds):
        for server in servers:
            ours = server.name.startswith("registry")
            for kind in ("plain", "gzip"):
                server.measure(kind, 20 if ours else 2)
    yield (f"{repositories} repositories, {servers[0].lines} lines, the same series in each server; median of "
           f"{rounds} rounds taken in turn.\n")
    yield "| | CPU plain, ms | CPU gzip, ms | gzip, MB | peak memory, MB |"
    yield "|---|---|---|---|---|"
    for server in servers:
        plain, gzip = (statistics.median(server.milliseconds[k]) for k in ("plain", "gzip"))
        yield (f"| {server.name} | {plain:.1f} | {gzip:.1f} | {server.bytes['gzip'] / 1e6:.2f} | "
               f"{server.peak_megabytes():.0f} |")
    yield "\nTimes less CPU with 1 % changed: median, and the least and the most of the rounds.\n"
    yield "| beside | plain | gzip |\n|---|---|---|"
    ours = servers[1].milliseconds
    for peer in servers[3:]:
        plain, gzip = (ratio(peer.milliseconds[k], ours[k]) for k in ("plain", "gzip"))
        yield f"| {peer.name} | {plain} | {gzip} |"
    for server in servers:
        server.close()


def crowd(build, repositories):
    yield "\n50 scrapers at once, plain text, 1 % changed between any two answers:\n"
    yield "| | answers a second | MB each |\n|---|---|---|"
    for name, command in commands(build, repositories, [1]):
        server = Server(name, command)
        rate = requests_per_second(server)
        yield f"| {name} | {rate:.0f} | {server.bytes['plain'] / 1e6:.1f} |"
        server.close()


def write_between_marks(file, text):
    begin, end = "<!-- peers.py writes from here -->", "<!-- to here -->"
    before, rest = file.read_text().split(begin)
    file.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--repositories", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a Markdown file with marks for the tables")
    arguments = parser.parse_args()
    lines = [*compare(arguments.build.resolve(), arguments.repositories, arguments.rounds),
             *crowd(arguments.build.resolve(), 1_200)]
    print("\n".join(lines))
    if arguments.write:
        write_between_marks(arguments.write, "\n".join(lines))


if __name__ == "__main__":
    main()
