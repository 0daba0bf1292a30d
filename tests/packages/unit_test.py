"""The systemd unit: understood without complaint, and locked down."""

import pathlib
import subprocess
import tempfile
import unittest

from tools import BUILD, ROOT, needs

UNIT = ROOT / "config/systemd/registry-exporter.service"


@needs("systemd-analyze")
class Unit(unittest.TestCase):
    def test_it_exposes_little(self):
        # --threshold is in tenths.
        judged = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=15",
                                 str(UNIT)], text=True, capture_output=True, check=False)
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)

    def test_every_line_is_understood(self):
        # Unknown keys don't change the exit code. The program and its manual are elsewhere here.
        text = UNIT.read_text().replace("/usr/bin/registry_exporter", str(BUILD / "registry_exporter"))
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / UNIT.name
            copy.write_text(text.replace("man:registry_exporter(1)", "https://example.org/"))
            verified = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)],
                                      text=True, capture_output=True, check=False)
        about_it = [line for line in verified.stderr.splitlines() if UNIT.name in line]
        self.assertEqual((verified.returncode, about_it), (0, []), verified.stderr)


if __name__ == "__main__":
    unittest.main()
