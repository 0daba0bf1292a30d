#include "exporter/config/config_watch.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/support/temporary_folder.h"

using namespace registry_exporter;
using namespace registry_exporter::config;

namespace {

constexpr Millis kInterval{5};

/// A watched file, and how often a reload was asked for.
struct Watched {
  TemporaryFolder folder;
  std::string file = folder.write("config.yml", "one");
  std::atomic<int> looks{0};
  std::atomic<int> reloads{0};
  std::function<void()> at_each_look = [] {};
  ConfigWatch watch{system_runtime()};

  void start() {
    watch.loaded(config_digests(file));
    watch.start(
        kInterval,
        [this] {
          ++looks;
          at_each_look();
        },
        [this] {
          ++reloads;
          watch.loaded(config_digests(file));
        });
  }
  void wait_for_looks(int more) const {
    const int enough = looks + more;
    while (looks < enough) std::this_thread::sleep_for(Millis{1});
  }
  bool wait_for_reloads(int times) const {
    for (int i = 0; i < 5'000 && reloads < times; ++i) std::this_thread::sleep_for(Millis{1});
    return reloads == times;
  }
};

}  // namespace

TEST_CASE("config_watch: each new content is loaded once, whatever becomes of it") {
  Watched watched;
  watched.start();
  watched.wait_for_looks(5);
  CHECK(watched.reloads == 0);
  int times = 0;
  for (const char* const content : {"two", "", "three", "one"}) {
    CAPTURE(content);
    watched.folder.write("config.yml", content);
    CHECK(watched.wait_for_reloads(++times));
    watched.wait_for_looks(5);
    CHECK(watched.reloads == times);
  }
  watched.folder.write("config.yml", "one");  // The same again is no change.
  watched.wait_for_looks(5);
  CHECK(watched.reloads == times);
  std::filesystem::remove(watched.file);
  CHECK(watched.wait_for_reloads(++times));
}

TEST_CASE("config_watch: what was loaded meanwhile is not loaded again") {
  Watched watched;
  watched.start();
  watched.folder.write("config.yml", "two");
  watched.watch.loaded(config_digests(watched.file));
  watched.wait_for_looks(10);
  CHECK(watched.reloads <= 1);  // One may have been on its way.
  const int before = watched.reloads;
  watched.wait_for_looks(10);
  CHECK(watched.reloads == before);
}

TEST_CASE("config_watch: a file that goes on changing is left alone until it rests") {
  Watched watched;
  watched.at_each_look = [&watched] {
    if (watched.looks < 30) watched.folder.write("config.yml", std::to_string(watched.looks));
    if (watched.looks == 30) CHECK(watched.reloads == 0);
  };
  watched.start();
  CHECK(watched.wait_for_reloads(1));
  watched.wait_for_looks(5);
  CHECK(watched.reloads == 1);
}

TEST_CASE("config_watch: the certificates of the registries are watched, too") {
  Config config;
  config.registries.resize(2);
  config.registries[1].tls = {"ca.pem", "client.pem", "client.key", "name"};
  const FileDigests digests = certificate_digests(config);
  REQUIRE(digests.size() == 3);
  CHECK(digests[0].first == "ca.pem");
  CHECK(digests[1].first == "client.pem");
  CHECK(digests[2].first == "client.key");
}

TEST_CASE("config_watch: it ends at once, also while it waits") {
  const TemporaryFolder folder;
  const auto begun = system_runtime().clock.steady_now();
  {
    ConfigWatch watch(system_runtime());
    watch.start(
        std::chrono::hours(1), [] {}, [] {});
  }
  ConfigWatch never_started(system_runtime());
  never_started.stop();
  CHECK(system_runtime().clock.steady_now() - begun < std::chrono::seconds(2));
}
