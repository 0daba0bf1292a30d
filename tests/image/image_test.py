"""The container image, run as docs/install.md and OpenShift run it, against the simulator: `./run image`."""

import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import World, counters, differences, scrape, wait_for  # noqa: E402

IMAGE = os.environ["IMAGE"]
ARCHITECTURE = os.environ["ARCHITECTURE"]
STORAGE = os.environ["STORAGE"]
PODMAN = ["podman", f"--root={STORAGE}/storage", f"--runroot={STORAGE}/run", "--runtime=runc"]
# As small as possible, for machines that are containers themselves.
LIMITS = [f"--platform=linux/{ARCHITECTURE}", "--network=host", "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"]
LOCKED = ["--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--security-opt=no-new-privileges"]


def podman(*arguments):
    return subprocess.run([*PODMAN, *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout


def inside(*command):
    return podman("run", "--rm", *LIMITS, *LOCKED, f"--entrypoint={command[0]}", IMAGE, *command[1:])


def config_of(world):
    config = world.configure(initial_history="baseline")
    config.chmod(0o644)
    return f"--volume={config}:/etc/registry_exporter/registry_exporter.yml:ro"


class Image(unittest.TestCase):
    def test_it_is_for_the_architecture_and_says_what_it_is(self):
        (image,) = json.loads(podman("image", "inspect", IMAGE))
        self.assertEqual((image["Os"], image["Architecture"]), ("linux", ARCHITECTURE))
        self.assertEqual(image["Config"]["User"], "65534:65534")
        labels = {key.removeprefix("org.opencontainers.image."): value for key, value in image["Labels"].items()}
        self.assertEqual(f"registry_exporter {labels['version']}\n", inside("registry_exporter", "--version"))
        self.assertEqual(inside("dpkg", "--print-architecture").strip(), ARCHITECTURE)
        for name in ("title", "description", "licenses", "revision", "base.name"):
            self.assertTrue(labels.get(name), name)

    def test_the_bill_of_materials_names_the_libraries_of_the_image(self):
        bill = json.loads(inside("cat", "/usr/share/doc/registry-exporter/sbom.cdx.json"))
        linked = {part["name"]: (part["version"], part["purl"].partition("?arch=")[2]) for part in bill["components"]
                  if part["properties"][0]["value"] == "linked"}
        listed = inside("dpkg-query", "--show", "--showformat=${Package} ${Version} ${Architecture}\n")
        installed = {name: (version, architecture) for name, version, architecture in map(str.split, listed.splitlines())}
        self.assertGreater(len(linked), 10)
        self.assertEqual(linked, {name: installed.get(name) for name in linked})
        # What the loader finds is what is named.
        loaded = inside("sh", "-c", "ldd /usr/bin/registry_exporter | sed -n 's|.* => \\(/[^ ]*\\) .*|\\1|p' | "
                                    "xargs -n1 sh -c 'dpkg-query --search $0 || dpkg-query --search /usr$0' 2>/dev/null")
        loaded = {line.split(":")[0] for line in loaded.splitlines()}
        self.assertGreater(len(loaded), 10)
        self.assertEqual(loaded - set(linked), set())

    def count_across_containers(self, user):
        """What was counted is shown by the next container of the same volume, and goes on."""
        volume = podman("volume", "create").strip()
        # With the containers that use it, should one be left.
        self.addCleanup(podman, "volume", "rm", "--force", volume)
        with World() as world:
            world.simulator("--repositories=20", "--speed=0")
            run = [*PODMAN, "run", "--rm", *LIMITS, *LOCKED, *user, f"--volume={volume}:/var/lib/registry_exporter",
                   config_of(world), IMAGE, "--web.listen-address=127.0.0.1:0"]
            exporter = world.start(run, r'address="?(127\.0\.0\.1:[0-9]+)')
            scrape(exporter)
            at_first = world.truth()
            for _ in range(2):
                world.control(speed=600)
                time.sleep(3)
                world.control(speed=0)
                news = {key: value - at_first.get(key, 0) for key, value in world.truth().items()}
                self.assertGreater(sum(news.values()), 10)
                self.assertTrue(wait_for(lambda: not differences(counters(scrape(exporter)), news)),
                                differences(counters(scrape(exporter)), news))
                self.assertEqual(exporter.stop(), 0)
                exporter = world.start(run, r'address="?(127\.0\.0\.1:[0-9]+)')
                self.assertEqual(differences(counters(scrape(exporter)), news), {})
            self.assertEqual(exporter.stop(), 0)

    def test_its_own_user_counts_and_the_next_container_goes_on(self):
        self.count_across_containers([])

    def test_any_user_of_group_0_as_openshift_chooses_it_counts_and_the_next_container_goes_on(self):
        self.count_across_containers(["--user=1000770000:0"])

    def test_a_user_of_another_group_is_told_that_it_may_not_write_the_state(self):
        with World() as world:
            world.simulator("--repositories=1", "--speed=0")
            run = [*PODMAN, "run", "--rm", *LIMITS, *LOCKED, "--user=1000770000:1000770000", config_of(world), IMAGE, "--once"]
            ran = subprocess.run(run, text=True, capture_output=True, check=False)
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        self.assertIn("/var/lib/registry_exporter", ran.stderr)


if __name__ == "__main__":
    unittest.main()
