"""--config.auto-reload-interval: files that change are loaded without being asked for."""

import contextlib
import http.client
import os
import threading
import time
import unittest

import harness
from harness import World, scrape, wait_for

SUCCESSFUL = ("registry_exporter_config_last_reload_successful", ())


def lines(exporter, words):
    return [line for line in exporter.lines if words in line]


def scrape_regardless(exporter):
    with contextlib.suppress(OSError, AssertionError, http.client.HTTPException):
        scrape(exporter)


class AutoReload(unittest.TestCase):
    def test_a_good_file_is_taken_over_and_a_bad_one_is_refused_once(self):
        with World() as world:
            world.simulator("--repositories=3")
            path = world.configure()
            exporter = world.exporter("--config.auto-reload-interval=100ms")
            scrape(exporter)
            good = path.read_text()
            reloaded = lambda times: wait_for(
                lambda: len(lines(exporter, '"configuration reloaded"')) == times, timeout=10)

            path.write_text(good + "oops: 1\n")
            self.assertTrue(wait_for(lambda: scrape(exporter)[SUCCESSFUL] == 0, timeout=10))
            self.assertIn(b"oops", harness.http(exporter.url + "/")[2])
            time.sleep(1)
            self.assertEqual(len(lines(exporter, "configuration not reloaded")), 1)

            path.write_text(good)
            self.assertTrue(reloaded(1), exporter.lines)
            self.assertEqual(scrape(exporter)[SUCCESSFUL], 1)

            second = path.with_name("second.yml")  # As Kubernetes does: a link that is switched.
            second.touch(mode=0o600)
            second.write_text(good.replace("  - name: swr", "  - name: swr2"))
            path.with_name("link").symlink_to(second)
            os.replace(path.with_name("link"), path)
            self.assertTrue(reloaded(2), exporter.lines)
            self.assertTrue(wait_for(lambda: any(("registry", "swr2") in key[1]
                                                 for key in scrape(exporter)), timeout=10))
            # What was asked for by hand is not done again.
            second.write_text(good)
            self.assertEqual(harness.http(exporter.url + "/-/reload", "POST")[0], 200)
            time.sleep(1)
            self.assertEqual(len(lines(exporter, '"configuration reloaded"')), 3)
            started = time.monotonic()
            self.assertEqual(exporter.stop(), 0)
            self.assertLess(time.monotonic() - started, 5)

    def test_the_web_configuration_is_looked_at_without_a_connection(self):
        with World() as world:
            world.simulator("--repositories=3")
            world.configure()
            web = world.folder / "web.yml"
            web.write_text("http_server_config: {http2: false}\n")
            exporter = world.exporter("--config.auto-reload-interval=100ms",
                                      f"--web.config.file={web}")
            web.write_text("http_server_config: {http2: true}\n")
            self.assertTrue(wait_for(lambda: lines(exporter, "web configuration reloaded"), 10))
            web.write_text("oops\n")
            self.assertTrue(wait_for(lambda: lines(exporter, "web configuration not reloaded"), 10))
            self.assertFalse(lines(exporter, '"configuration reloaded"'))

    def test_without_the_flag_nothing_is_reloaded(self):
        with World() as world:
            world.simulator("--repositories=3")
            path = world.configure()
            exporter = world.exporter()
            path.write_text("oops: 1\n")
            time.sleep(1.5)
            self.assertEqual(scrape(exporter)[SUCCESSFUL], 1)

    def test_it_ends_in_time_while_it_reloads(self):
        with World() as world:
            world.simulator("--repositories=20", "--latency=1500ms")
            path = world.configure()
            good = path.read_text()
            for pause in (0, 0.25, 0.35, 0.45):
                exporter = world.exporter("--config.auto-reload-interval=100ms",
                                          state=f"state{pause}.db")
                threading.Thread(target=scrape_regardless, args=(exporter,), daemon=True).start()
                path.write_text(good + f"# {pause}\n")
                time.sleep(pause)
                started = time.monotonic()
                self.assertEqual(exporter.stop(), 0, exporter.lines)
                self.assertLess(time.monotonic() - started, 5)


if __name__ == "__main__":
    unittest.main()
