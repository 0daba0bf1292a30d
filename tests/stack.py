"""The whole stack on loopback: simulated clouds, the real exporter, Prometheus with the shipped rules, Alertmanager
with the shipped routes, and a receiver that prints what arrives."""

import argparse
import http.server
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from demo import ROOT, wait_for_port

SHIPPED = ROOT / "config/prometheus"
PORTS = {"exporter": 10067, "simulator": 10068, "prometheus": 9090, "alertmanager": 9093, "receiver": 9094}


def address(port):
    """On loopback; a free port where the usual one is taken or 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Receiver:
    """Takes Alertmanager's webhooks; `alerts` are those that arrived, in order."""

    def __init__(self, at, tell):
        self.alerts = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                for alert in json.loads(body)["alerts"]:
                    receiver.alerts.append(alert)
                    tell(alert)

            def log_message(self, *_):
                pass
        host, port = at.split(":")
        self.server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Stack:
    """Everything, in a folder of its own, until the end of the `with`."""

    def __init__(self, build, ports, scrape_interval="5s", group_wait="5s", speed=20, repositories=20,
                 initial_history="count", max_staleness="10s", tell=lambda alert: None):
        self.build, self.scrape_interval, self.group_wait = pathlib.Path(build), scrape_interval, group_wait
        self.simulator_flags = [f"--speed={speed}", f"--repositories={repositories}"]
        self.initial_history, self.max_staleness, self.tell = initial_history, max_staleness, tell
        self.at = {name: address(port) for name, port in ports.items()}
        self.processes = []
        self.receiver = None
        self.folder = tempfile.TemporaryDirectory(prefix="registry_exporter_stack.")

    def __enter__(self):
        try:
            self.receiver = Receiver(self.at["receiver"], self.tell)
            self.start("simulator", self.build / "registry_simulator",
                       f"--listen-address={self.at['simulator']}", *self.simulator_flags)
            self.start("exporter", self.build / "registry_exporter",
                       f"--config.file={self.write('demo.yml', self.exporter_config())}",
                       f"--state.path={self.folder.name}/state.db", f"--web.listen-address={self.at['exporter']}")
            self.start("alertmanager", "prometheus-alertmanager", "--cluster.listen-address=",
                       f"--config.file={self.write('alertmanager.yml', self.alertmanager_config())}",
                       f"--storage.path={self.folder.name}/alertmanager",
                       f"--web.listen-address={self.at['alertmanager']}")
            self.start("prometheus", "prometheus",
                       f"--config.file={self.write('prometheus.yml', self.prometheus_config())}",
                       f"--storage.tsdb.path={self.folder.name}/tsdb",
                       f"--web.listen-address={self.at['prometheus']}", "--enable-feature=exemplar-storage")
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            process.wait()
        if self.receiver:
            self.receiver.stop()
        self.folder.cleanup()

    def start(self, name, *command):
        log = open(f"{self.folder.name}/{name}.log", "w")
        with log:
            process = subprocess.Popen([str(each) for each in command], stdout=log, stderr=log)
        self.processes.append(process)
        wait_for_port(self.at[name], process)

    def write(self, name, text):
        path = pathlib.Path(self.folder.name) / name
        path.write_text(text)
        return path

    def exporter_config(self):
        text = (ROOT / "config/demo.yml").read_text()
        text = text.replace("127.0.0.1:10068", self.at["simulator"])
        text = text.replace("max_staleness: 10s", f"max_staleness: {self.max_staleness}")
        return text.replace("initial_history: count", f"initial_history: {self.initial_history}")

    def prometheus_config(self):
        """The shipped one, at this stack's addresses and pace."""
        text = (SHIPPED / "prometheus.yml").read_text()
        text = text.replace("rules/*.yml", f"{SHIPPED}/rules/*.yml")
        text = text.replace("127.0.0.1:9093", self.at["alertmanager"])
        text = text.replace("127.0.0.1:10067", self.at["exporter"])
        text = re.sub(r"(scrape|evaluation)_interval: .*", rf"\1_interval: {self.scrape_interval}", text)
        return re.sub(r"scrape_timeout: .*", f"scrape_timeout: {self.scrape_interval}", text)

    def alertmanager_config(self):
        text = (SHIPPED / "alertmanager.yml").read_text()
        text = text.replace("127.0.0.1:9094", self.at["receiver"])
        return text.replace("group_wait: 30s", f"group_wait: {self.group_wait}").replace(
            "group_interval: 5m", "group_interval: 15s")


def say(alert):
    print(f"{alert['status']:>9}  {alert['labels'].get('severity', ''):8}  {alert['labels']['alertname']}: "
          f"{alert['annotations']['summary']}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./run stack")
    parser.add_argument("--build", default="build")
    parser.add_argument("--repositories", default=20, type=int)
    parser.add_argument("--speed", default=20, type=float)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with Stack(ROOT / arguments.build, PORTS, speed=arguments.speed, repositories=arguments.repositories,
                   tell=say) as stack:
            at = stack.at
            print(f"""
exporter:     http://{at["exporter"]}/
prometheus:   http://{at["prometheus"]}/alerts
alertmanager: http://{at["alertmanager"]}/
the clouds:   http://{at["simulator"]}/truth

Notifications, as a receiver gets them (Ctrl-C ends it):""", flush=True)
            while all(process.poll() is None for process in stack.processes):
                time.sleep(0.5)
            return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
