"""Finds the clouds' credentials twice: by us, and by the clouds' official JavaScript clients.

Each row of credentials/cases/*.json is a machine: `files` (`~` is the home; null: a folder), `environment` (`$HOME`
likewise), `config` (keys of our registry), `services` (what they answer). `gives` is the right
value: "access key/secret/security token" (huawei: "/project", too), or {"error": a piece of ours}. The official client has to
give the same, or to fail as well; where it does not, `documented` says why, and `theirs` what it
gives (null: it fails).
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent / "credentials"
sys.path.insert(0, str(HERE))
import services  # noqa: E402
import alibaba  # noqa: E402
import huawei  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
PROBE = BUILD / "credentials_probe"
ANSWERS = {"alibaba": alibaba.answer, "huawei": huawei.answer}
REGISTRIES = {
    "alibaba": {"type": "acr", "region": "cn-hangzhou", "instance_id": "cri-0123456789abcdef"},
    "huawei": {"type": "swr", "region": "cn-north-4"},
}
PARTS = ("access_key", "secret_key", "security_token", "project_id")
CASES_MIN = {"alibaba": 35, "huawei": 40}


def unavailable(reason):
    if os.environ.get("CI") == "true":
        raise AssertionError(reason)
    raise unittest.SkipTest(reason)


def install():
    """The folder with the official clients, as the lock file names them."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            unavailable(f"{tool} is not installed")
    work = BUILD / "official_clients"
    lock = HERE / "package-lock.json"
    installed = work / "package-lock.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return work
    work.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, work)
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=work,
                          capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(work)
        unavailable(f"the clients could not be installed: {done.stderr}")
    return work


def cases():
    for path in sorted((HERE / "cases").glob("*.json")):
        for case in json.loads(path.read_text()):
            yield path.stem, case


def key_of(found):
    if "error" in found:
        return None
    return "/".join(found[part] for part in PARTS if part in found)


class Machine:
    """A home with a case's files, and its environment."""

    def __init__(self, case):
        self.folder = tempfile.TemporaryDirectory()
        self.home = pathlib.Path(self.folder.name) / "home"
        self.home.mkdir()
        for name, text in case.get("files", {}).items():
            path = self.home / name.removeprefix("~/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.mkdir()
                continue
            content = text if isinstance(text, str) else json.dumps(text)
            path.write_bytes(self.fill(content).encode())
            path.chmod(0o700)
        self.environment = {name: self.fill(value)
                            for name, value in case.get("environment", {}).items()}

    def fill(self, text):
        return text.replace("$HOME", str(self.home))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()


class Credentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        work = install()
        cls.server = services.Server()
        cls.addClassCleanup(cls.server.close)
        cls.official = subprocess.Popen(
            ["node", HERE / "official.mjs"], cwd=work, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env={**os.environ, "SERVER": cls.server.url})
        cls.addClassCleanup(cls.official.wait)
        cls.addClassCleanup(cls.official.stdout.close)
        cls.addClassCleanup(cls.official.stdin.close)

    def ours(self, cloud, case):
        with Machine(case) as machine:
            registry = {"name": "r", **REGISTRIES[cloud], **case.get("config", {})}
            config = pathlib.Path(machine.folder.name) / "config.yml"
            config.write_text(machine.fill(json.dumps({"registries": [registry]})))
            environment = {"HOME": str(machine.home), "PATH": os.environ["PATH"],
                           **machine.environment}
            done = subprocess.run([PROBE, config, self.server.url], env=environment,
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(done.stdout)
            text = json.dumps(found).replace(str(machine.home), "~")
            return json.loads(text)

    def theirs(self, cloud, case):
        with Machine(case) as machine:
            question = {"cloud": cloud, "home": str(machine.home),
                        "environment": {"PATH": os.environ["PATH"], **machine.environment},
                        "config": {**REGISTRIES[cloud], **case.get("config", {})}}
            self.official.stdin.write(json.dumps(question) + "\n")
            self.official.stdin.flush()
            text = self.official.stdout.readline().replace(str(machine.home), "~")
            return json.loads(text)

    def compare(self, cloud, case):
        self.server.answer = lambda question: ANSWERS[cloud](question, case.get("services", {}))
        ours, theirs = self.ours(cloud, case), self.theirs(cloud, case)
        gives = case["gives"]
        if isinstance(gives, dict):
            self.assertIn(gives["error"], ours.get("error", f"no error: {ours}"))
        else:
            self.assertEqual(key_of(ours), gives, ours)
        expected = case["theirs"] if "documented" in case else key_of(ours)
        self.assertEqual(key_of(theirs), expected, theirs)
        if "documented" in case:
            self.assertNotEqual(expected, key_of(ours), "documented, but there is no difference")

    def test_the_same_key_or_a_documented_difference(self):
        count = {}
        for cloud, case in cases():
            count[cloud] = count.get(cloud, 0) + 1
            with self.subTest(cloud=cloud, case=case["name"]):
                self.compare(cloud, case)
        for cloud, least in CASES_MIN.items():
            self.assertGreaterEqual(count[cloud], least)


if __name__ == "__main__":
    unittest.main()
