"""What costs most may not cost more than before: instructions, counted by valgrind, beside those in
instructions.json. They don't depend on how busy the machine is.

    python3 instructions_test.py --write    after a change that is meant
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("BUILD", HERE.parents[1] / "build"))
EXPECTED = HERE / "instructions.json"
ROOM = 1.05  # Another patch of the compiler or of a library is no news.
# The same instructions on each processor.
PLAIN = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS",
         "SIMDJSON_FORCE_IMPLEMENTATION": "westmere", "OPENSSL_ia32cap": "0"}


def count(path):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=measured_region",
             f"--callgrind-out-file={folder}/out", str(BUILD / "hot_paths"), path],
            capture_output=True, text=True, check=False, env={**os.environ, **PLAIN})
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not collected:
        raise RuntimeError(done.stderr)
    return int(collected[1])


@unittest.skipUnless(shutil.which("valgrind") and platform.machine() == "x86_64",
                     "needs valgrind, and the processor that was counted for")
class Instructions(unittest.TestCase):
    def test_none_costs_more_than_before(self):
        for path, before in json.loads(EXPECTED.read_text()).items():
            with self.subTest(path):
                self.assertLessEqual(count(path), before * ROOM,
                                     f"{path} took {before} instructions before")


if __name__ == "__main__":
    if "--write" in sys.argv:
        listed = subprocess.run([BUILD / "hot_paths"], capture_output=True, text=True, check=False)
        counts = {path: count(path) for path in listed.stdout.split()}
        EXPECTED.write_text(json.dumps(counts, indent=2) + "\n")
        print(EXPECTED.read_text(), end="")
    else:
        unittest.main()
