"""The Debian package in a booted Debian: installed, configured as docs/install.md says, started, reloaded, killed, upgraded,
removed and purged, with the unit's sandbox in force. `./run systemd`; the steps are in order."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).resolve()
os.environ["BUILD"] = str(BUILD)
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import World, counters, http, never_falls, parse, wait_for  # noqa: E402
from machine import Machine  # noqa: E402

SERVICE = "registry-exporter.service"
FOLDER = BUILD / "booted"
CONFIG = "/etc/registry_exporter/registry_exporter.yml"
STATE = "/var/lib/registry_exporter/state.db"
PORT = int(os.environ.get("PORT", "10967"))
URL = f"http://127.0.0.1:{PORT}"
# By a name, so that its resolution is in it, too.
TEXT = """
collection: {{min_interval: 0s, initial_history: count, discovery_interval: 1s, max_staleness: 5s}}
registries:
  - name: acr
    type: acr
    region: demo-region
    requests_per_second: 100
    endpoint: http://cloud.example:{port}
    instance_id: cri-demo
    credentials:
      access_key_id: ${{ACR_KEY}}
      access_key_secret_file: /etc/registry_exporter/acr_access_key_secret
  - name: swr
    type: swr
    region: demo-region
    requests_per_second: 100
    endpoint: http://cloud.example:{port}
    iam_endpoint: http://cloud.example:{port}
    project_id: 0123456789abcdef0123456789abcdef
    credentials: {{access_key: demo-access-key, secret_key: demo-secret-key}}
"""


def checked(done):
    if done.returncode:
        raise AssertionError(f"{done.args}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def make_package():
    """The package, and one with the same program and a later version."""
    subprocess.run(["ninja", "-C", BUILD, "package_files"], check=True, stdout=subprocess.DEVNULL)
    packages = FOLDER / "packages"
    subprocess.run(["rm", "-rf", packages], check=True)
    packages.mkdir(parents=True)
    subprocess.run([ROOT / "packaging/package.sh", BUILD, packages], check=True, stderr=subprocess.DEVNULL)
    (package,) = packages.glob("*.deb")
    with tempfile.TemporaryDirectory() as tree:
        subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
        control = pathlib.Path(tree, "DEBIAN/control")
        control.write_text(re.sub(r"^(Version: .*)$", r"\1+later", control.read_text(), flags=re.M))
        later = packages / "later.deb"
        subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, later], check=True, stdout=subprocess.DEVNULL)
    return package, later


class Booted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        FOLDER.mkdir(parents=True, exist_ok=True)
        cls.package, cls.later = make_package()
        cls.world = cls.enterClassContext(World())
        cls.world.simulator("--repositories=10", "--speed=60")
        cls.machine = cls.enterClassContext(Machine(FOLDER, cls.package))
        cls.shown = {}

    def run_in(self, *command, **options):
        return checked(self.machine.run(*command, **options))

    def install(self, package):
        copy = self.machine.path("/root/package.deb")
        copy.write_bytes(package.read_bytes())
        return self.run_in("apt-get", "install", "--yes", "/root/package.deb")

    def write(self, path, text, mode=0o640):
        """As `install -m 0640 -g registry-exporter /dev/stdin PATH`."""
        self.run_in("install", "-m", f"{mode:o}", "-g", "registry-exporter", "/dev/stdin", path, input=text)

    def configure(self, extra=""):
        self.write(CONFIG, extra + TEXT.format(port=self.world.sim.address.split(":")[1]))

    def shows(self, name):
        return self.run_in("systemctl", "show", "--value", f"--property={name}", SERVICE).strip()

    def process(self):
        number = self.shows("MainPID")
        self.assertGreater(int(number), 0, self.log())
        return number

    def is_active(self):
        return self.machine.run("systemctl", "is-active", SERVICE).stdout.strip()

    def log(self):
        return self.run_in("journalctl", "--unit", SERVICE, "--output=cat", "--no-pager")

    def counts_go_on(self):
        """Nothing falls; returns what is shown."""
        status, _, body = http(URL + "/metrics")
        self.assertEqual(status, 200)
        series = parse(body.decode())
        now = never_falls(series)
        for key, value in self.shown.items():
            self.assertGreaterEqual(now.get(key, -1), value, key)
        type(self).shown = now
        return series

    def test_01_an_installation_starts_nothing_and_makes_the_user(self):
        self.install(self.package)
        self.assertEqual(self.is_active(), "inactive")
        self.assertIn("registry-exporter", self.machine.path("/etc/passwd").read_text())
        self.assertEqual(self.run_in("stat", "--format=%U:%G %a", CONFIG).strip(), "root:registry-exporter 640")
        self.assertEqual(self.run_in("stat", "--format=%U:%G %a", "/var/lib/registry_exporter").strip(),
                         "registry-exporter:registry-exporter 750")

    def test_02_a_mistake_in_the_configuration_is_told_and_not_tried_again(self):
        self.configure("metrics: {windos: [1h]}\n")
        started = self.machine.run("systemctl", "start", SERVICE)
        self.assertNotEqual(started.returncode, 0)
        self.assertIn("registry_exporter.yml:1: ", self.log())
        time.sleep(7)  # Longer than RestartSec.
        self.assertEqual((self.shows("NRestarts"), self.shows("ExecMainStatus")), ("0", "2"))

    def test_03_after_the_steps_of_the_documents_it_answers_as_soon_as_it_is_started(self):
        with self.machine.path("/etc/hosts").open("a") as hosts:
            hosts.write("127.0.0.1 cloud.example\n")
        self.configure()
        self.write("/etc/registry_exporter/acr_access_key_secret", "demo-access-key-secret\n")
        self.write("/etc/default/registry-exporter",
                   f'ARGS="--web.listen-address=127.0.0.1:{PORT}"\nACR_KEY=demo-access-key-id\n', 0o600)
        found = self.run_in("sh", "-c", "set -a; . /etc/default/registry-exporter; set +a; exec runuser -u registry-exporter "
                                        f"-- registry_exporter --config.file={CONFIG} --doctor")
        self.assertIn("acr", found)
        self.run_in("systemctl", "enable", "--now", SERVICE)
        self.assertEqual(http(URL + "/-/ready")[0], 200)
        self.assertTrue(wait_for(lambda: sum(counters(self.counts_go_on()).values()) > 0, timeout=30))

    def test_04_the_sandbox_is_in_force_and_takes_nothing_that_is_needed(self):
        process = self.process()
        status = self.run_in("cat", f"/proc/{process}/status")
        for line in ("NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "Seccomp:\t2"):
            self.assertIn(line, status)
        # As the process sees it.
        within = ["nsenter", "--mount", f"--target={process}"]
        self.assertNotEqual(self.machine.run(*within, "touch", "/etc/registry_exporter/x").returncode, 0)
        self.assertEqual(self.machine.run(*within, "ls", "/home").stdout, "")
        series = self.counts_go_on()
        names = {name for name, _ in series}
        for name in ("process_open_fds", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_threads",
                     "registry_exporter_state_size_bytes"):
            self.assertIn(name, names)
        self.assertEqual([value for (name, _), value in series.items() if name in ("acr_up", "swr_up")], [1, 1])
        self.assertNotIn("level=error", self.log())

    def test_05_a_reload_takes_a_change_over_and_a_mistake_shows_in_the_status(self):
        process = self.process()
        self.configure("metrics: {windows: [1h, 24h]}\n")
        self.run_in("systemctl", "reload", SERVICE)
        self.assertTrue(wait_for(lambda: b'window="7d"' not in http(URL + "/metrics")[2], timeout=15))
        self.configure("metrics: {windows: [1h, twice]}\n")
        self.run_in("systemctl", "reload", SERVICE)
        self.assertTrue(wait_for(lambda: "registry_exporter.yml:1" in self.shows("StatusText"), timeout=15),
                        self.shows("StatusText"))
        self.counts_go_on()
        self.configure()
        self.run_in("systemctl", "reload", SERVICE)
        self.assertTrue(wait_for(lambda: "registry_exporter.yml:1" not in self.shows("StatusText"), timeout=15))
        self.assertEqual(self.shows("MainPID"), process)

    def test_06_a_kill_is_followed_by_a_start_and_nothing_falls(self):
        process = self.process()
        self.run_in("kill", "-KILL", process)
        self.assertTrue(wait_for(lambda: self.is_active() == "active" and self.shows("MainPID") != process, timeout=30))
        self.assertEqual(self.shows("NRestarts"), "1")
        self.counts_go_on()

    def test_07_it_stops_in_time_and_says_so(self):
        began = time.monotonic()
        self.run_in("systemctl", "stop", SERVICE)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual((self.shows("Result"), self.shows("ExecMainStatus")), ("success", "0"))
        self.run_in("systemctl", "start", SERVICE)
        self.counts_go_on()

    def test_08_an_upgrade_restarts_it_and_keeps_what_was_changed(self):
        process = self.process()
        configured = self.machine.path(CONFIG).read_text()
        self.install(self.later)
        self.assertEqual(self.is_active(), "active")
        self.assertNotEqual(self.shows("MainPID"), process)
        self.assertEqual(self.machine.path(CONFIG).read_text(), configured)
        self.counts_go_on()

    def test_09_certificates_and_passwords_of_the_group_can_be_read(self):
        self.run_in("registry_exporter", "--version")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=localhost", "-keyout", FOLDER / "key.pem", "-out", FOLDER / "cert.pem"], check=True,
                       capture_output=True)
        for name in ("key.pem", "cert.pem"):
            self.write(f"/etc/registry_exporter/{name}", (FOLDER / name).read_text())
        self.write("/etc/registry_exporter/web.yml", "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
        self.write("/etc/default/registry-exporter", "ACR_KEY=demo-access-key-id\n"
                   f'ARGS="--web.listen-address=127.0.0.1:{PORT} --web.config.file=/etc/registry_exporter/web.yml"\n', 0o600)
        self.run_in("systemctl", "restart", SERVICE)
        answer = subprocess.run(["curl", "--silent", "--fail", "--noproxy", "*", "--cacert", FOLDER / "cert.pem",
                                 "--resolve", f"localhost:{PORT}:127.0.0.1", f"https://localhost:{PORT}/-/ready"], check=False)
        self.assertEqual(answer.returncode, 0)

    def test_10_it_is_started_at_boot(self):
        self.assertEqual(self.run_in("systemctl", "is-enabled", SERVICE).strip(), "enabled")

    def test_11_removed_it_stops_and_keeps_state_and_configuration(self):
        self.run_in("apt-get", "remove", "--yes", "registry-exporter")
        self.assertNotEqual(self.is_active(), "active")
        self.assertFalse(self.machine.path("/usr/bin/registry_exporter").exists())
        self.assertTrue(self.machine.path(STATE).exists())
        self.assertTrue(self.machine.path(CONFIG).exists())
        self.assertEqual(self.machine.run("pgrep", "registry_export").stdout, "")

    def test_12_purged_it_leaves_nothing_but_the_user_and_what_was_put_beside_it(self):
        kept = self.run_in("ls", "/etc/registry_exporter").split()
        self.assertEqual(kept, ["acr_access_key_secret", "cert.pem", "key.pem", "registry_exporter.yml", "web.yml"])
        self.run_in("apt-get", "purge", "--yes", "registry-exporter")
        left = self.run_in("find", "/etc", "/var/lib", "/usr", "-xdev", "-not", "-path", "/var/lib/apt/*",
                           "(", "-name", "*registry_exporter*", "-o", "-name", "*registry-exporter*", ")").split()
        self.assertEqual([each for each in left if not each.startswith("/var/lib/dpkg/")], ["/etc/registry_exporter"])
        kept.remove("registry_exporter.yml")
        self.assertEqual(self.run_in("ls", "/etc/registry_exporter").split(), kept)
        self.assertEqual(self.run_in("systemctl", "--failed", "--plain", "--no-legend").strip(), "")


if __name__ == "__main__":
    unittest.main(failfast=True)
