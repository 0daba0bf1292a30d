"""./run mutants [TEXT]: makes each mistake of mutants.py in a copy of the sources, builds, and runs
the tests of the folder and then the simulation until one notices. Exit 1 if one survives. Each
processor has a copy of its own."""

import filecmp
import os
import queue
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
COPIES = ROOT / "build-mutants"
SIM = ("sim", ["--seeds", "1..80", "--fail-fast", "--jobs", "1"])
SECONDS = 180  # One that makes a test hang was noticed, too.


def checks_of(file):
    folder = file.split("/")[1]
    if folder.endswith(".cc"):  # At the root.
        return [("config_tests", []), ("outside_tests", []), SIM]
    checks = [(f"{folder}_tests", []), ("outside_tests", [])]
    if folder == "store":
        checks.append(("crash_tests", []))
    if folder in ("ingest", "exposition", "net"):
        checks.append(SIM)
    return checks


def mirror(source, target):
    """By content, not by time: a run that was killed left its mistake in a newer file."""
    for path in [path for path in target.rglob("*") if path.is_file()]:
        if not (source / path.relative_to(target)).exists():
            path.unlink()
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        elif not copy.exists() or not filecmp.cmp(path, copy, shallow=False):
            shutil.copy(path, copy)


class Copy:
    """The sources, with at most one mistake in them."""

    def __init__(self, folder):
        self.folder = folder
        # What one copy compiled, the others have from the cache.
        self.environment = {**os.environ, "CCACHE_BASEDIR": str(folder)}
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("CMakeLists.txt", "CMakePresets.json"):
            shutil.copy2(ROOT / name, folder / name)
        for name in ("exporter", "tests", "config"):
            mirror(ROOT / name, folder / name)
        subprocess.run(["cmake", "--preset", "release"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)

    def build(self, *targets):
        return subprocess.run(["ninja", "-C", str(self.folder / "build"), *targets],
                              capture_output=True, text=True, env=self.environment)

    def verdict(self, checks):
        """Each check is built just before it runs: most mutants die in the first."""
        for name, arguments in checks:
            built = self.build(name)
            if built.returncode != 0:
                errors = [line for line in built.stdout.splitlines() if "error" in line]
                return "NOT BUILT: " + (errors or [built.stdout[-300:]])[0]
            command = [str(self.folder / "build" / name), *arguments]
            try:
                done = subprocess.run(command, capture_output=True, timeout=SECONDS,
                                      cwd=self.folder)
            except subprocess.TimeoutExpired:
                return f"killed by {name} (hangs)"
            if done.returncode != 0:
                return f"killed by {name}"
        return "SURVIVED"

    def try_one(self, what, file, right, wrong):
        path = self.folder / file
        text = path.read_text()
        if text.count(right) != 1:
            return f"NOT APPLIED: its text stands {text.count(right)} times in {file}"
        path.write_text(text.replace(right, wrong))
        try:
            return self.verdict(checks_of(file))
        finally:
            path.write_text(text)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [each for each in MUTANTS if wanted in each[0] or wanted in each[1]]
    free = queue.Queue()
    targets = {checks_of(file)[0][0] for _, file, _, _ in chosen}
    for number in range(min(os.cpu_count(), len(chosen))):
        copy = Copy(COPIES / str(number))
        copy.build(*targets)
        free.put(copy)
    begun = time.monotonic()

    def try_in_a_copy(mutant):
        copy = free.get()
        try:
            verdict = copy.try_one(*mutant)
        finally:
            free.put(copy)
        print(f"{verdict:40} {mutant[0]}", flush=True)
        return verdict.startswith("killed")

    with ThreadPoolExecutor(free.qsize()) as workers:
        killed = sum(workers.map(try_in_a_copy, chosen))
    print(f"{killed} of {len(chosen)} killed in {time.monotonic() - begun:.0f} s")
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
