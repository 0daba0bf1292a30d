"""A Debian that boots: systemd-nspawn on a tree that mmdebstrap makes. It shares this machine's network."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

ALWAYS = ["systemd", "systemd-sysv", "dbus", "procps", "adduser", "ca-certificates"]


def release():
    found = re.search(r"^VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text(), re.M)
    return found[1]


def depends(package):
    """The names of the packages that one depends on, the first of alternatives."""
    listed = subprocess.run(["dpkg-deb", "--field", package, "Depends"], check=True, capture_output=True, text=True).stdout
    return [re.match(r"[^ (|]+", each.strip())[0] for each in listed.split(",")]


def make_tree(tarball, packages):
    """The tree of a minimal Debian of this machine's release with these packages, from this machine's sources."""
    sources = [each for each in ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list") if os.path.exists(each)]
    options = [f"--aptopt={each}" for each in pathlib.Path("/etc/apt/apt.conf.d").glob("99*")]
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}", *options, release(),
                    tarball, *sources[:1]], check=True)


class Machine:
    """Booted in a folder of its own until the end of the `with`."""

    def __init__(self, folder, package):
        self.folder = pathlib.Path(folder)
        self.tree = self.folder / "tree"
        self.package = package
        self.container = None
        self.leader = None

    def __enter__(self):
        packages = sorted({*ALWAYS, *depends(self.package)})
        tarball, listed = self.folder / "tree.tar", self.folder / "tree.packages"
        if not tarball.exists() or not listed.exists() or listed.read_text() != " ".join(packages):
            make_tree(tarball, packages)
            listed.write_text(" ".join(packages))
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir(parents=True)
        subprocess.run(["tar", "-C", self.tree, "--numeric-owner", "-xf", tarball], check=True)
        self.container = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--resolv-conf=off",
             "--console=pipe", f"--directory={self.tree}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        try:
            self.wait_until_booted()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_until_booted(self, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            children = pathlib.Path(f"/proc/{self.container.pid}/task/{self.container.pid}/children").read_text().split()
            if children:
                self.leader = int(children[0])
                if self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"):
                    return
            time.sleep(0.5)
        raise RuntimeError("the machine does not boot")

    def __exit__(self, *_):
        if self.leader:
            # What systemd takes for: halt.
            os.kill(self.leader, signal.SIGRTMIN + 4)
        try:
            self.container.wait(30)
        except subprocess.TimeoutExpired:
            os.kill(self.leader, signal.SIGKILL)
            self.container.wait()
        shutil.rmtree(self.tree, ignore_errors=True)

    def run(self, *command, **options):
        """A command in the machine; it is not checked."""
        return subprocess.run(
            ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd",
             "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
             *map(str, command)], check=False, text=True, capture_output=True, **options)

    def path(self, name):
        return self.tree / str(name).lstrip("/")
