"""Draws the dashboards as they are after a simulated working day: `./run pictures [--repositories N] [--theme light]`.

alert_month lets the real exporter live through ten quiet days and a Monday with incidents and outages. Its scrapes become
blocks of a real Prometheus. That is asked for the recorded series, for the alerts' expressions at every scrape of the
day, and for what the dashboards show; Grafana's own components draw the answers in a browser without a screen.
"""

import argparse
import calendar
import concurrent.futures
import contextlib
import functools
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import yaml

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS), str(TESTS / "alerts")]
import month  # noqa: E402
from demo import DIRECTLY, ROOT  # noqa: E402
from month import DAY, HOUR, MINUTE, RULES, Prometheus, promtool, write_blocks  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
DASHBOARDS = ROOT / "grafana/dashboards"
SCRAPE = 180
SELDOM = 10  # In the quiet days, one scrape in so many.
SHOWN = 10 * HOUR
# Of the days that alert_month lives: the Monday after ten days, with what befalls it by this seed.
DAYS = ["--seed", "3", "--days", "12", "--quiet-days", "10", "--seldom", str(SELDOM)]
AT = calendar.timegm((2026, 1, 12, 15, 50, 0))
WIDTH, CELL, GAP, HEAD = 1500, 30, 8, 48
# The processes at the end of it are those of the simulation.
ROWS = {"exporter": 36}


def names():
    """What dashboards and rules read of the exporter."""
    text = " ".join(path.read_text() for path in [*DASHBOARDS.glob("*.json"), *RULES.glob("*.yml")])
    return sorted(set(re.findall(r"\b(?:acr|swr|registry_exporter|process)_\w+", text)) | {"up"})


def live_through(folder, binary, repositories, at):
    """Until the files with what happened up to that moment are there: the days after it are of no use."""
    with subprocess.Popen([binary, *DAYS, "--repositories", str(repositories), "--scrape-seconds", str(SCRAPE),
                           "--folder", folder, "--only", ",".join(names())], stderr=subprocess.DEVNULL) as process:
        last = folder / "scrapes" / f"{(at - 1) // (2 * HOUR)}.om"
        while process.poll() is None and not last.exists():
            time.sleep(1)
        process.terminate()


def load(folder, at):
    """The scrapes as blocks, from what is shown a week before on; most series are buckets, which nothing in between reads."""
    shown = at - SHOWN - HOUR
    files = [file for file in sorted((folder / "scrapes").glob("*.om"))
             if shown - 7 * DAY < (int(file.stem) + 1) * 2 * HOUR and int(file.stem) * 2 * HOUR < at]

    def into_blocks(file):
        begin = int(file.stem) * 2 * HOUR
        if at - 7 * DAY <= begin < shown - 2 * HOUR:
            few = file.with_suffix(".few")
            with file.open() as lines, few.open("w") as kept:
                kept.writelines(line for line in lines if "_bucket{" not in line)
            promtool("openmetrics", "-q", few, folder / "blocks")
            few.unlink()
        else:
            promtool("openmetrics", "-q", file, folder / "blocks")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(into_blocks, files))


def alert_labels():
    return {rule["alert"]: rule["labels"] for group in yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
            for rule in group["rules"]}


def write_alerts(folder, begin, at):
    """registry_exporter:alerts, as the rules would have recorded it: what fires, and since when."""
    span = {"begin": begin - HOUR, "end": at + SCRAPE, "scrape_interval": SCRAPE}
    waits = {alert: wait for alert, _, wait in month.Rules().alerts}
    severities, files = alert_labels(), {}
    for each in month.fired(folder, span, lambda _: True):
        labels = {"instance": "all", "job": "all", **each.labels, **severities[each.alert], "alertname": each.alert}
        labels.pop("__name__", None)
        text = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
        for moment in range(int(each.begin), int(each.end) + 1, SCRAPE):
            files.setdefault(moment // (2 * HOUR), []).append(
                f"registry_exporter:alerts{{{text}}} {each.begin - waits[each.alert]} {moment}\n")
    for name, value in month.Rules().thresholds.items():
        for moment in range(int(begin), int(at) + 1, SCRAPE):
            number = eval(value, {})  # pylint: disable=eval-used  # 2 * 3600
            files.setdefault(moment // (2 * HOUR), []).append(
                f'registry_exporter:threshold{{name="{name}"}} {number} {moment}\n')
    write_blocks(folder, files)


# --- what the dashboards ask -------------------------------------------------------------------------------

def step_of(panel, target, shown):
    """Grafana's interval: a point for each pixel at most, and for each scrape."""
    columns = panel.get("maxDataPoints") or panel["gridPos"]["w"] * WIDTH // 24
    wanted = month.seconds(target.get("interval")) if target.get("interval") else SCRAPE
    return max(-(-shown // columns), wanted)


def ask(prometheus, dashboard, panel, target, at):
    step = step_of(panel, target, SHOWN)
    values = {variable["name"]: variable.get("allValue", "") for variable in dashboard["templating"]["list"]}
    values |= {"__interval": f"{step}s", "__rate_interval": f"{max(step + SCRAPE, 4 * SCRAPE)}s", "__range": f"{SHOWN}s"}
    fields = {"query": re.sub(r"\$\{?(\w+)\}?", lambda found: values[found.group(1)], target["expr"])}
    if target["instant"]:
        fields |= {"time": at}
    else:
        fields |= {"start": (at - SHOWN) // step * step, "end": at // step * step, "step": step}
    kind = "query" if target["instant"] else "query_range"
    with DIRECTLY.open(f"http://{prometheus.at}/api/v1/{kind}", urllib.parse.urlencode(fields).encode(),
                       timeout=600) as answer:
        return json.load(answer)["data"]["result"]


def answers(folder, dashboards, at):
    """By dashboard, panel and query. Moments of the quiet days are asked for with their last scrape, however old."""
    found = {name: {panel["id"]: {} for panel in dashboard["panels"]} for name, dashboard in dashboards.items()}
    for instant, lookback in ((False, 5 * MINUTE), (True, SELDOM * SCRAPE + MINUTE)):
        with Prometheus(folder, f"--query.lookback-delta={lookback}s") as prometheus:
            for name, dashboard in dashboards.items():
                for panel in dashboard["panels"]:
                    for target in panel["targets"]:
                        if target["instant"] == instant:
                            found[name][panel["id"]][target["refId"]] = ask(prometheus, dashboard, panel, target, at)
    return found


# --- the pictures ------------------------------------------------------------------------------------------

def install(work):
    """Grafana's components, in one file for the browser; never into the source."""
    work.mkdir(parents=True, exist_ok=True)
    lock = work / "package-lock.json"
    if not (work / "node_modules").exists() or lock.read_text() != (HERE / "package-lock.json").read_text():
        for name in ("package.json", "package-lock.json"):
            (work / name).write_text((HERE / name).read_text())
        subprocess.run(["npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"], cwd=work,
                       check=True, stdout=subprocess.DEVNULL)
    for file in [*HERE.glob("*.js"), *HERE.glob("*.jsx")]:
        (work / file.name).write_text(file.read_text())
    icons = work / "public/build/img"
    icons.parent.mkdir(parents=True, exist_ok=True)
    if not icons.exists():
        icons.symlink_to(work / "node_modules/@grafana/ui/dist/public/img")
    subprocess.run(["node_modules/.bin/esbuild", "page.jsx", "--bundle", "--minify", "--jsx=automatic",
                    "--outfile=bundle.js", "--loader:.svg=text", "--loader:.ttf=empty", "--log-level=error",
                    '--define:process.env.NODE_ENV="production"'], cwd=work, check=True)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files; and what the page could not do."""

    def do_GET(self):
        if self.path.startswith("/failed/"):
            self.server.failures.append(urllib.parse.unquote(self.path))
        super().do_GET()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(work):
    """A browser reads no icons from files."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=work)) as server:
        server.failures = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def draw(work, server, dashboard, answered, at, theme, file):
    rows = ROWS.get(file.stem, max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]))
    picture = {"dashboard": dashboard, "answers": answered, "from": at - SHOWN, "to": at,
               "themeName": theme, "width": WIDTH, "rows": rows}
    script = json.dumps(picture).replace("</", "<\\/")
    # What was an hour ago is so at that moment.
    (work / "page.html").write_text(f"""<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="bundle.css">
<div id="page"></div><script>window.picture = {script}; Date.now = () => {at * 1000};</script>
<script src="bundle.js"></script>""")
    subprocess.run(["chromium-headless-shell", "--no-sandbox", "--hide-scrollbars", "--no-proxy-server",
                    f"--window-size={WIDTH},{HEAD + rows * (CELL + GAP)}", "--virtual-time-budget=20000",
                    f"--screenshot={file}", f"http://127.0.0.1:{server.server_address[1]}/page.html"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    if server.failures:
        sys.exit(f"{file.stem}: {server.failures}")
    subprocess.run(["pngquant", "--force", "--speed", "1", "--output", file, "256", file], check=True)


def main():
    parser = argparse.ArgumentParser(prog="./run pictures")
    parser.add_argument("--build", default="build")
    parser.add_argument("--repositories", default=1000, type=int, help="of each cloud")
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--at", default=AT, type=int, help="the moment at the right edge, in seconds since 1970")
    parser.add_argument("--folder", type=pathlib.Path, help="keep the days here; those that are here are taken")
    parser.add_argument("--out", default=ROOT / "docs/pictures", type=pathlib.Path)
    parser.add_argument("--only", default="", help="a regular expression: only dashboards whose name matches")
    arguments = parser.parse_args()
    work = ROOT / arguments.build / "pictures"
    install(work)
    with tempfile.TemporaryDirectory(prefix="registry_exporter_pictures.") as temporary:
        folder = arguments.folder or pathlib.Path(temporary)
        if not (folder / "scrapes").exists():
            live_through(folder, ROOT / arguments.build / "alert_month", arguments.repositories, arguments.at)
        if not (folder / "blocks").exists():
            load(folder, arguments.at)
            begin = arguments.at - SHOWN
            month.record(folder, {"begin": begin, "end": arguments.at + MINUTE}, month.Rules())
            write_alerts(folder, begin, arguments.at)
        dashboards = {path.stem: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))
                      if re.search(arguments.only, path.stem)}
        answered = answers(folder, dashboards, arguments.at)
        arguments.out.mkdir(parents=True, exist_ok=True)
        with served(work) as server:
            for name, dashboard in dashboards.items():
                draw(work, server, dashboard, answered[name], arguments.at, arguments.theme, arguments.out / f"{name}.png")
                print(arguments.out / f"{name}.png", flush=True)


if __name__ == "__main__":
    sys.exit(main())
