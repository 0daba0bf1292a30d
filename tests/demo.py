"""The demo: the simulator of both clouds and the real exporter against it, on loopback."""

import argparse
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Everything here runs on this machine: whatever proxies the environment names are not asked.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SIMULATOR = "127.0.0.1:10068"  # As config/demo.yml has it.


def wait_for_port(address, process):
    host, port = address.rsplit(":", 1)
    for _ in range(200):
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} ended with exit code {process.returncode}")
        try:
            socket.create_connection((host or "127.0.0.1", int(port)), 0.5).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing answers at {address}")


def configuration(simulator, folder):
    """The demo's, with the clouds at this address."""
    shipped = ROOT / "config/demo.yml"
    if simulator == SIMULATOR:
        return shipped
    own = pathlib.Path(folder) / "demo.yml"
    own.touch(mode=0o600)  # There are secrets in it.
    own.write_text(shipped.read_text(encoding="utf-8").replace(SIMULATOR, simulator), encoding="utf-8")
    return own


def main():
    parser = argparse.ArgumentParser(prog="./run demo")
    parser.add_argument("--build", default="build")
    parser.add_argument("--once", action="store_true", help="one exposition on stdout, then end")
    parser.add_argument("--listen", default="127.0.0.1:10067")
    parser.add_argument("--simulator", default=SIMULATOR)
    arguments = parser.parse_args()
    build = ROOT / arguments.build
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="registry_exporter_demo.") as folder:
        state = os.path.join(folder, "state.db")
        command = [build / "registry_exporter", f"--config.file={configuration(arguments.simulator, folder)}",
                   f"--state.path={state}"]
        processes = [subprocess.Popen(
            [build / "registry_simulator", f"--listen-address={arguments.simulator}", "--speed=20"],
            stdout=sys.stderr)]
        try:
            wait_for_port(arguments.simulator, processes[0])
            if arguments.once:
                return subprocess.call([*command, "--once"])
            processes.append(subprocess.Popen([*command, f"--web.listen-address={arguments.listen}"]))
            wait_for_port(arguments.listen, processes[1])
            print(f"""
metrics:    http://{arguments.listen}/metrics   (each scrape collects from both clouds)
start page: http://{arguments.listen}/
the clouds: http://{arguments.simulator}/truth    (what a perfect exporter has counted by now)

  watch -n5 "curl -s http://{arguments.listen}/metrics | grep -E '^(acr_builds|swr_retention_deletions)_total'"

Ctrl-C ends it.""", flush=True)
            processes[1].wait()
            return processes[1].returncode
        except KeyboardInterrupt:
            return 0
        finally:
            for process in reversed(processes):
                if process.poll() is None:
                    process.terminate()
            for process in processes:
                process.wait()


if __name__ == "__main__":
    sys.exit(main())
