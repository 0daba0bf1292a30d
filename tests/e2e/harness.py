"""Starts the real programs on free ports in a folder of their own, and reads what they say."""

import contextlib
import http.client as http_client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
INSTRUMENTED = "-" in BUILD.name  # Sanitizers take time, and keep what is freed.
# Another program in its place: one that an emulator runs, which takes time and memory of its own.
EXPORTER = pathlib.Path(os.environ.get("EXPORTER", BUILD / "registry_exporter"))
EMULATED = "EXPORTER" in os.environ
SIMULATOR = BUILD / "registry_simulator"
PROMETHEUS = os.environ.get("PROMETHEUS", "prometheus").split()

CONFIG = """
collection:
  min_interval: {min_interval}
  initial_history: {initial_history}
  sweep_interval: {sweep_interval}
  discovery_interval: {discovery_interval}
  max_staleness: {max_staleness}
registries:
  - name: acr
    type: acr
    region: demo-region
    endpoint: {endpoint}
    instance_id: cri-demo
    collect: {acr_collect}
    credentials:
      access_key_id: demo-access-key-id
      access_key_secret: {acr_secret}
    page_size: {page_size}
    requests_per_second: {rate}
    concurrency: 8
    request_timeout: 2s
  - name: swr
    type: swr
    region: demo-region
    endpoint: {endpoint}
    iam_endpoint: {endpoint}
    project_id: 0123456789abcdef0123456789abcdef
    collect: {swr_collect}
    credentials: {swr_credentials}
    page_size: {page_size}
    paging: {paging}
    requests_per_second: {rate}
    concurrency: 8
    request_timeout: 2s
"""

DEFAULTS = {
    "min_interval": "0s",
    "initial_history": "count",
    "sweep_interval": "5s",
    "discovery_interval": "1s",
    "max_staleness": "1s",
    "acr_collect": "[builds]",
    "swr_collect": "[deletions]",
    "acr_secret": "demo-access-key-secret",
    "swr_credentials": "{access_key: demo-access-key, secret_key: demo-secret-key}",
    "page_size": 20,
    "paging": "offset",
    "rate": 2000,
}


# Everything here runs on this machine: whatever proxies the environment names are not asked.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http(url, method="GET", headers=None, body=None, timeout=20):
    """(status, headers, body) of any answer; raises OSError when there is none."""
    request = urllib.request.Request(url, method=method, headers=headers or {}, data=body)
    try:
        with DIRECTLY.open(request, timeout=timeout) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


class Process:
    """One program; its stderr is kept, and searched for the line that says where it listens."""

    def __init__(self, arguments, ready, environment=None):
        self.lines = []
        self.address = None
        self._ready = threading.Event()
        self.process = subprocess.Popen([str(each) for each in arguments], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env=environment,
                                        # The kernel may send SIGHUP to a background group in which
                                        # a process is stopped: tests stop some.
                                        process_group=0)
        self._reader = threading.Thread(target=self._read, args=(re.compile(ready),), daemon=True)
        self._reader.start()

    def _read(self, ready):
        for line in self.process.stdout:
            self.lines.append(line)
            found = ready.search(line)
            if found and not self.address:
                self.address = found.group(1)
                self._ready.set()
        self._ready.set()

    def wait_ready(self, timeout=30):
        self._ready.wait(timeout)
        if not self.address:
            raise RuntimeError(f"{self.process.args} did not start:\n" + "".join(self.lines))
        return self

    def stop(self, signal_number=signal.SIGTERM, timeout=10):
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        self.process.stdout.close()
        return code

    def peak_memory_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024

    @property
    def url(self):
        return "http://" + self.address


class World:
    """A folder with a simulator and exporters that belong to one test."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="registry_exporter_e2e."))
        self._processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            with contextlib.suppress(Exception):
                process.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, arguments, ready, environment=None):
        process = Process(arguments, ready, environment)
        self._processes.append(process)
        return process.wait_ready()

    def simulator(self, *flags):
        self.sim = self.start([SIMULATOR, "--listen-address=127.0.0.1:0", *flags],
                              r"http://(127\.0\.0\.1:[0-9]+)")
        return self.sim

    def configure(self, **settings):
        values = {**DEFAULTS, "endpoint": self.sim.url, **settings}
        path = self.folder / "registry_exporter.yml"
        path.touch(mode=0o600)  # There are secrets in it.
        path.write_text(CONFIG.format(**values))
        return path

    def exporter(self, *flags, state="state.db"):
        return self.start(
            [EXPORTER, f"--config.file={self.folder}/registry_exporter.yml",
             f"--state.path={self.folder / state if state != ':memory:' else state}",
             "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle", *flags],
            r'address="?(127\.0\.0\.1:[0-9]+)')

    def control(self, **settings):
        status, _, body = http(self.sim.url + "/control", "POST",
                               {"Content-Type": "application/json"}, json.dumps(settings).encode())
        assert status == 200, body

    def truth(self):
        return truth_series(json.loads(http(self.sim.url + "/truth")[2]))

    def durations(self):
        """Of the finished builds: {(namespace, repository, status): [seconds, …]}, sorted."""
        listed = json.loads(http(self.sim.url + "/truth/durations")[2])
        return {(each["repo_namespace"], each["repo"], status): sorted(ms / 1000 for ms in spans)
                for each in listed["acr"]
                for status, spans in each["durations"].items() if spans}


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def parse(text):
    """{(name, ((label, value), …)): number} of an exposition; asserts that no series comes twice."""
    series = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        found = SAMPLE.match(line)
        assert found, line
        labels = tuple(sorted(LABEL.findall(found.group(2) or "")))
        key = (found.group(1), labels)
        assert key not in series, f"twice: {line}"
        series[key] = float(found.group(3))
    return series


def scrape(exporter, headers=None, timeout=20, query=""):
    status, _, body = http(exporter.url + "/metrics" + query, headers=headers, timeout=timeout)
    assert status == 200, (status, body)
    return parse(body.decode())


def truth_series(truth):
    """What /metrics has to show, in the same form as parse()."""
    series = {}
    for cloud, what, name, label in (("acr", "builds", "acr_builds_total", "status"),
                                     ("swr", "deletions", "swr_retention_deletions_total",
                                      "template")):
        for repository in truth[cloud]:
            for outcome, count in repository[what].items():
                labels = {"registry": cloud, "repo_namespace": repository["repo_namespace"],
                          "repo": repository["repo"], label: outcome}
                series[(name, tuple(sorted(labels.items())))] = float(count)
    return series


COUNTERS = ("acr_builds_total", "swr_retention_deletions_total")


def counters(series):
    return {key: value for key, value in series.items() if key[0] in COUNTERS}


def never_falls(series):
    """What must not fall, not even across a kill."""
    durable = COUNTERS + ("acr_build_duration_seconds_bucket", "acr_build_duration_seconds_count",
                          "acr_build_duration_seconds_sum", "registry_exporter_records_total",
                          "registry_exporter_records_rejected_total",
                          "registry_exporter_durations_invalid_total",
                          "registry_exporter_history_gaps_total")
    return {key: value for key, value in series.items() if key[0] in durable}


def differences(shown, truth):
    keys = set(shown) | {key for key, value in truth.items() if value}
    return {key: (shown.get(key), truth.get(key)) for key in keys
            if shown.get(key, 0) != truth.get(key, 0)}


def wait_for(condition, timeout=60, pause=0.2):
    """Polls until the condition gives something true; its last value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


def settle(test, world, exporter):
    """Freezes the world, heals it, and scrapes until nothing differs from the truth."""
    world.control(speed=0, faults="none")
    truth = world.truth()
    left = {}

    def equal():
        nonlocal left
        left = differences(counters(scrape(exporter)), truth)
        return not left

    test.assertTrue(wait_for(equal, timeout=90), dict(list(left.items())[:10]))
    test.assertGreater(sum(truth.values()), 1000)
    series = scrape(exporter)
    for (name, _), value in series.items():
        if name in ("registry_exporter_ledger_imbalance", "registry_exporter_state_recovered"):
            test.assertEqual(value, 0, name)
    return series


def look(test, exporter, before, durable, place):
    """Scrapes a process that may be dying. No durable series falls; returns what was shown so far."""
    try:
        status, _, body = http(exporter.url + "/metrics", timeout=5,
                               headers={"X-Prometheus-Scrape-Timeout-Seconds": "1"})
    except (OSError, http_client.HTTPException):
        return before
    if status != 200:
        return before
    shown = durable(parse(body.decode()))
    for key, value in before.items():
        test.assertGreaterEqual(shown.get(key, 0), value, f"{place}: {key}")
    return {**before, **shown}


def kill_while_looking(test, world, kills, seed, durable):
    """Starts and kills the exporter, which is scraped all the time. Returns what was shown."""
    dice = random.Random(seed)
    before = {}
    for kill in range(kills):
        exporter = world.exporter()
        end = time.monotonic() + dice.uniform(0.05, 0.6)
        while time.monotonic() < end:
            before = look(test, exporter, before, durable, f"kill {kill}, seed {seed}")
        exporter.stop(signal.SIGKILL)
    return before


def need_prometheus(test):
    """Skips the test where there is no Prometheus; on CI there has to be one."""
    if shutil.which(PROMETHEUS[0]):
        return
    if os.environ.get("CI") == "true":
        test.fail("prometheus is not installed")
    test.skipTest("prometheus is not installed")


def features_of_prometheus():
    """The names that --enable-feature takes."""
    words = subprocess.run([*PROMETHEUS, "--help"], capture_output=True, text=True, check=False)
    listed = (words.stdout + words.stderr).partition("--enable-feature=")[2].partition("See")[0]
    return set(re.findall(r"[a-z]+(?:-[a-z]+)+", "".join(listed.split("\n"))))


def start_prometheus(test, config, folder, *flags):
    """Real Prometheus with this configuration file, until the test ends; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        [*PROMETHEUS, f"--config.file={config}",
         f"--storage.{'agent' if '--enable-feature=agent' in flags else 'tsdb'}.path={folder}/tsdb",
         f"--web.listen-address={address}", *flags],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    test.addCleanup(process.wait)
    test.addCleanup(process.kill)

    def ready():
        try:
            return http(f"http://{address}/-/ready")[0] == 200
        except OSError:
            return False

    test.assertTrue(wait_for(ready, timeout=30), "Prometheus does not start")
    return address
