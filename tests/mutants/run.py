"""./run mutants [TEXT]: makes each mistake of mutants.py in a copy of the sources, builds, and runs
the tests of the folder and then the simulation until one notices. Exit 1 if one survives."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build-mutants"
SIM = ("sim", ["--seeds", "1..80", "--fail-fast"])
SECONDS = 400  # One that makes a test hang was noticed, too.


def checks_of(file):
    folder = file.split("/")[1]
    if folder.endswith(".cc"):  # At the root.
        return [("outside_tests", []), SIM]
    checks = [(f"{folder}_tests", []), ("outside_tests", [])]
    if folder == "store":
        checks.append(("crash_tests", []))
    if folder in ("acr", "swr", "net"):
        checks.append(("outside_tests", []))
    if folder in ("ingest", "exposition", "net"):
        checks.append(SIM)
    return checks


def copy_sources():
    COPY.mkdir(exist_ok=True)
    for name in ("CMakeLists.txt", "CMakePresets.json"):
        shutil.copy2(ROOT / name, COPY / name)
    for name in ("exporter", "tests", "config"):
        subprocess.run(["cp", "-a", "--update", str(ROOT / name), str(COPY)], check=True)
    subprocess.run(["cmake", "--preset", "release"], cwd=COPY, check=True,
                   stdout=subprocess.DEVNULL)


def build(targets):
    return subprocess.run(["ninja", "-C", str(COPY / "build"), *targets], capture_output=True,
                          text=True)


def killer(checks):
    """The first check that fails; None: the mutant lives."""
    for name, arguments in checks:
        command = [str(COPY / "build" / name), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, cwd=COPY)
        except subprocess.TimeoutExpired:
            return f"{name} (hangs)"
        if done.returncode != 0:
            return name
    return None


def try_one(what, file, right, wrong):
    path = COPY / file
    text = path.read_text()
    if text.count(right) != 1:
        return f"NOT APPLIED: its text stands {text.count(right)} times in {file}"
    checks = checks_of(file)
    path.write_text(text.replace(right, wrong))
    try:
        built = build([name for name, _ in checks])
        if built.returncode != 0:
            errors = [line for line in built.stdout.splitlines() if "error" in line]
            return "NOT BUILT: " + (errors or [built.stdout[-300:]])[0]
        found = killer(checks)
        return f"killed by {found}" if found else "SURVIVED"
    finally:
        path.write_text(text)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [each for each in MUTANTS if wanted in each[0] or wanted in each[1]]
    copy_sources()
    killed = 0
    begun = time.monotonic()
    for each in chosen:
        verdict = try_one(*each)
        killed += verdict.startswith("killed")
        print(f"{verdict:40} {each[0]}", flush=True)
    print(f"{killed} of {len(chosen)} killed in {time.monotonic() - begun:.0f} s")
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
