"""The Debian package: built, taken apart, and judged by lintian."""

import gzip
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from tools import BUILD, ROOT, needs


def run(*command, **options):
    return subprocess.run([str(each) for each in command], check=True, text=True,
                          stdout=subprocess.PIPE, **options).stdout


def make_package(target):
    run("ninja", "-C", BUILD, "package_files")
    run(ROOT / "packaging/package.sh", BUILD, target)
    (package,) = pathlib.Path(target).glob("*.deb")
    return package


@needs("dpkg-deb", "dpkg-shlibdeps", "lintian", "readelf")
class Debian(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.package = make_package(folder.name)
        cls.tree = pathlib.Path(folder.name) / "tree"
        run("dpkg-deb", "--extract", cls.package, cls.tree)
        cls.help = run(BUILD / "registry_exporter", "--help")

    def field(self, name):
        return run("dpkg-deb", "--field", self.package, name).strip()

    def document(self, name):
        return self.tree / "usr/share/doc/registry-exporter" / name

    def test_lintian_finds_nothing(self):
        found = subprocess.run(["lintian", "--allow-root", "--fail-on=error,warning,info",
                                "--info", str(self.package)], text=True, check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((found.returncode, found.stdout), (0, ""))

    def test_the_same_build_gives_the_same_package(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(make_package(folder).read_bytes(), self.package.read_bytes())

    def test_the_versions_agree(self):
        newest = re.match(r"registry-exporter \((.*?)\)", (ROOT / "packaging/changelog").read_text())
        self.assertEqual(self.field("Version"), newest[1])
        self.assertIn(f" {newest[1]}\n", run(BUILD / "registry_exporter", "--version"))
        self.assertIn(f"org.opencontainers.image.version={newest[1]} ", (ROOT / "Dockerfile").read_text())

    def test_the_change_log_tells_of_the_version(self):
        entries = re.findall(r"^## \[(.*?)\]( - \d{4}-\d\d-\d\d)?$",
                             self.document("CHANGELOG.md").read_text(), re.M)
        self.assertEqual(entries[0], ("Unreleased", ""))
        self.assertIn(self.field("Version"), [version for version, date in entries if date])

    def test_the_licence_is_named_and_where_its_text_is(self):
        copyright_file = self.document("copyright").read_text()
        self.assertIn("\nLicense: Apache-2.0\n", copyright_file)
        (named,) = re.findall(r"/usr/share/common-licenses/\S+(?=\.)", copyright_file)
        # What the system has is what the sources have: the text as its authors wrote it.
        self.assertEqual(pathlib.Path(named).read_text(), (ROOT / "LICENSE").read_text())
        # Debian wants no copies of it.
        self.assertFalse(self.document("LICENSE").exists())
        bill = json.loads(self.document("sbom.cdx.json").read_text())
        self.assertEqual(bill["metadata"]["component"]["licenses"],
                         [{"license": {"id": "Apache-2.0"}}])

    def test_it_depends_on_what_it_loads(self):
        depends = self.field("Depends")
        for library in ("adduser", "libc6", "libcurl4", "libssl3", "libsqlite3-0"):
            self.assertRegex(depends, rf"\b{library}")

    def test_everything_below_etc_is_a_configuration_file(self):
        files = sorted("/" + path.relative_to(self.tree).as_posix()
                       for path in (self.tree / "etc").rglob("*") if path.is_file())
        conffiles = run("dpkg-deb", "--info", self.package, "conffiles").split()
        self.assertEqual(files, sorted(conffiles))

    def test_the_shipped_configuration_is_valid(self):
        config = self.tree / "etc/registry_exporter/registry_exporter.yml"
        self.assertEqual(run(self.tree / "usr/bin/registry_exporter", "--config.check",
                             f"--config.file={config}"), "OK\n")

    def test_the_manual_explains_every_flag_and_says_nothing_that_help_does_not(self):
        page = self.tree / "usr/share/man/man1/registry_exporter.1.gz"
        text = gzip.decompress(page.read_bytes()).decode().replace("\\", "")
        self.assertEqual(re.findall(r"^\.B (--\S+)", text, re.M),
                         re.findall(r"^  (--\S+)", self.help, re.M))
        for section in ("EXIT STATUS", "SIGNALS", "FILES"):
            self.assertIn(f".SH {section}\n", text)

    def test_links_in_the_documents_lead_somewhere(self):
        sources = ("exporter/", "tests/", "packaging/", ".github/", "run", "Dockerfile", "LICENSE",
                   "CONTRIBUTING.md", ".png")
        for path in self.document("").rglob("*.md"):
            for link in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
                target = (path.parent / link).resolve()
                inside = target.relative_to(self.document("").resolve()).as_posix()
                if not inside.startswith(sources) and not inside.endswith(sources):
                    self.assertTrue(target.exists(), f"{path.name}: {link}")

    def test_the_program_is_hardened(self):
        program = run("readelf", "--wide", "--all", self.tree / "usr/bin/registry_exporter")
        for guard, sign in (("any address will do", r"Type: +DYN .*Position-Independent"),
                            ("relocations become read-only", r"GNU_RELRO"),
                            ("at once", r"FLAGS_1.*\bNOW\b"),
                            ("no code on the stack", r"GNU_STACK .* RW "),
                            ("canaries", r"__stack_chk_fail@"),
                            ("checked copies", r"__(memcpy|snprintf|read)_chk@")):
            self.assertRegex(program, sign, guard)

    def test_the_bill_of_materials_names_what_is_linked_and_what_is_included(self):
        bill = json.loads(self.document("sbom.cdx.json").read_text())
        use = {part["name"].removesuffix("t64"): part["properties"][0]["value"]
               for part in bill["components"]}
        # The last of them by libcurl alone.
        for name in ("libssl3", "libcurl4", "libsqlite3-0", "zlib1g", "libnghttp2-14"):
            self.assertEqual(use.get(name), "linked", name)
        for name in ("libcli11-dev", "libexpected-dev", "nlohmann-json3-dev"):
            self.assertEqual(use.get(name), "included", name)
        self.assertNotIn("doctest-dev", use)
        for part in bill["components"]:
            self.assertRegex(part["purl"], r"^pkg:deb/debian/[^@]+@[^@]+\?arch=\w+$")
        self.assertEqual(bill["metadata"]["component"]["version"], self.field("Version"))


if __name__ == "__main__":
    unittest.main()
