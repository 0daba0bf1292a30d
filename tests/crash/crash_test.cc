// Power cuts and disks that fail, at every point of a run of the real store.
//
// CRASH_IMAGES=1000000 makes as many images; CRASH_SEED starts at another seed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "tests/crash/script.h"
#include "tests/support/temporary_folder.h"

using namespace registry_exporter;

namespace {

constexpr int kCommits = 25;
constexpr std::uint64_t kImagesInTests = 20'000;
constexpr std::size_t kWrongMax = 5;  ///< Enough to look at.

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string state_in(const TemporaryFolder& folder) { return folder.file("state.db"); }

void put(const TemporaryFolder& folder, const Image& image) {
  folder.clear();
  for (const auto& [name, content] : image) folder.write("state.db" + name, content);
}

/// What is wrong with the state in `folder`, if anything: it must open as one of `right`, take
/// another commit, and open again with it.
std::optional<std::string> classify_response(const TemporaryFolder& folder,
                                             const std::set<std::string>& right,
                                             store::Dice& dice) {
  const auto open = [&] { return store::make_sqlite_state_store({state_in(folder), {}}, kStart); };
  auto store = open();
  const auto loaded = store->load();
  if (!loaded) return "unopenable: " + loaded.error().detail;
  if (loaded->damaged_moved_to) return "taken for damaged";
  if (loaded->follows_damage) return "said to follow damage";
  Model model(*loaded);
  if (!right.contains(model.text())) return "neither the state before nor the one after";
  if (dice.below(4) != 0) return std::nullopt;
  const store::StateChanges changes = some_changes(dice);
  model.apply(changes);
  if (const auto committed = store->commit(changes); !committed) {
    return "no commit: " + committed.error().detail;
  }
  store.reset();
  const auto again = open()->load();
  if (!again) return "unopenable after a commit: " + again.error().detail;
  if (Model(*again).text() != model.text()) return "wrong after a commit";
  return std::nullopt;
}

std::set<std::string> right_states(const Recording& recording, const Progress& progress) {
  return {recording.states.at(progress.acknowledged), recording.states.at(progress.begun)};
}

struct Campaign {
  std::uint64_t images = 0;
  std::uint64_t boundaries = 0;
  std::uint64_t second_crashes = 0;
  std::vector<std::string> wrong;
};

/// The images of one boundary, without repetitions.
std::set<Image> images_of(const Disk& disk, store::Dice& dice) {
  std::set<Image> images;
  for (int loss = 0; loss < kLosses; ++loss) {
    images.insert(disk.crash(static_cast<Loss>(loss), dice));
  }
  return images;
}

void judge_image(Campaign& campaign, const TemporaryFolder& folder, const Image& image,
                 const std::set<std::string>& right, const std::string& where, store::Dice& dice) {
  put(folder, image);
  ++campaign.images;
  if (const auto wrong = classify_response(folder, right, dice))
    campaign.wrong.push_back(where + ": " + *wrong);
}

/// The power goes while the store recovers from `image`, which is what programs see of `disk`.
void crash_again(Campaign& campaign, const TemporaryFolder& folder, const Image& image, Disk disk,
                 const std::set<std::string>& right, const std::string& where, store::Dice& dice) {
  put(folder, image);
  Recorder recorder{.path = state_in(folder), .on_event = {}};
  std::string error;
  const Recording recovery = run_script(recorder, dice.next(), 1, error);
  if (!error.empty()) campaign.wrong.push_back(where + ", recovery: " + error);
  for (std::size_t i = 0; i < recovery.events.size(); ++i) {
    const Progress& progress = recovery.events[i].progress;
    disk.apply(recovery.events[i].event, dice);
    const auto allowed = progress.started ? right_states(recovery, progress) : right;
    ++campaign.second_crashes;
    const auto loss = static_cast<Loss>(dice.below(kLosses));
    judge_image(campaign, folder, disk.crash(loss, dice), allowed,
                where + ", second crash at " + std::to_string(i) + " with loss " +
                    std::to_string(static_cast<int>(loss)),
                dice);
  }
}

/// Crashes at every boundary of one recording.
void crash_everywhere(Campaign& campaign, const TemporaryFolder& folder, const Recording& recording,
                      const std::string& name, std::uint64_t images, store::Dice& dice) {
  Disk disk;
  for (std::size_t i = 0; i < recording.events.size() && campaign.images < images; ++i) {
    if (campaign.wrong.size() >= kWrongMax) return;
    disk.apply(recording.events[i].event, dice);
    ++campaign.boundaries;
    const auto right = right_states(recording, recording.events[i].progress);
    const std::string where = name + ", event " + std::to_string(i);
    for (const Image& image : images_of(disk, dice)) {
      judge_image(campaign, folder, image, right, where, dice);
      if (dice.below(300) == 0) {
        crash_again(campaign, folder, image, Disk(image), right, where + ", power cut", dice);
      }
    }
    const Progress& progress = recording.events[i].progress;
    if (dice.below(progress.begun > progress.acknowledged ? 15 : 200) == 0) {
      const Image seen = disk.crash(Loss::nothing, dice);
      crash_again(campaign, folder, seen, disk, right, where + ", kill", dice);
    }
  }
}

Campaign power_cuts(std::uint64_t first_seed, std::uint64_t images, const std::string& sql = {},
                    const std::string& pragma = {}) {
  const TemporaryFolder live;
  const TemporaryFolder folder;
  Campaign campaign;
  for (std::uint64_t seed = first_seed;
       campaign.images < images && campaign.wrong.size() < kWrongMax; ++seed) {
    live.clear();
    Recorder recorder{.path = state_in(live), .on_event = {}};
    recorder.on_open_sql = sql;
    recorder.ignored_pragma = pragma;
    std::string error;
    const Recording recording = run_script(recorder, seed, kCommits, error);
    REQUIRE(error == "");
    store::Dice dice(seed);
    crash_everywhere(campaign, folder, recording, "seed " + std::to_string(seed), images, dice);
    if (images > kImagesInTests && seed % 10 == 0) {
      std::fprintf(stderr, "seed %ju: %ju images, %zu wrong\n", std::uintmax_t{seed},
                   std::uintmax_t{campaign.images}, campaign.wrong.size());
    }
  }
  return campaign;
}

/// A state that was in use when the power went, with its log and its lock file.
Image state_in_use(const TemporaryFolder& live, std::uint64_t seed) {
  live.clear();
  Recorder recorder{.path = state_in(live), .on_event = {}};
  std::string error;
  const Recording recording = run_script(recorder, seed, kCommits, error);
  REQUIRE(error == "");
  store::Dice dice(seed);
  Disk disk;
  Image image;
  for (const RecordedEvent& each : recording.events) {
    disk.apply(each.event, dice);
    const Image now = disk.crash(Loss::nothing, dice);
    if (now.contains("-wal") && now.at("-wal").size() > 20'000) image = now;
  }
  REQUIRE(image.contains("-wal"));
  return image;
}

/// What is wrong with how the store takes a state that had been damaged: it never shows anything of
/// it, and always knows that it follows damage.
std::optional<std::string> judge_damaged(const TemporaryFolder& folder) {
  for (const char* start : {"", ", at the next start"}) {
    const auto loaded = store::make_sqlite_state_store({state_in(folder), {}}, kStart)->load();
    if (!loaded) return "unopenable" + std::string(start) + ": " + loaded.error().detail;
    if (!loaded->repositories.empty()) return "shows damaged state" + std::string(start);
    if (!loaded->follows_damage) return "forgot that it follows damage" + std::string(start);
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("crash: setting damage aside can be cut at any point, and damage is never forgotten") {
  const TemporaryFolder live;
  const TemporaryFolder folder;
  std::vector<std::string> wrong;
  int images = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    store::Dice dice(seed);
    Image damaged = state_in_use(live, seed);
    if (dice.flip()) {
      damaged["-wal"].resize(dice.below(damaged["-wal"].size() - 8000));
    } else {
      damaged[""].replace(40, 500, 500, '?');
      damaged["-wal"].clear();
    }
    put(folder, damaged);
    Recorder recorder{.path = state_in(folder), .on_event = {}};
    std::vector<DiskEvent> events;
    recorder.on_event = [&](const DiskEvent& event) { events.push_back(event); };
    record_to(&recorder);
    const auto loaded =
        store::make_sqlite_state_store({state_in(folder), kRecordingVfs}, kStart)->load();
    record_to(nullptr);
    REQUIRE(loaded);
    if (!loaded->damaged_moved_to) continue;  // The end of a log may be what is left of an old one.
    Disk disk(damaged);
    for (std::size_t i = 0; i < events.size(); ++i) {
      disk.apply(events[i], dice);
      for (const Image& image : images_of(disk, dice)) {
        put(folder, image);
        ++images;
        if (const auto what = judge_damaged(folder)) {
          wrong.push_back("seed " + std::to_string(seed) + ", event " + std::to_string(i) + ": " +
                          *what);
        }
      }
    }
  }
  for (std::size_t i = 0; i < std::min(wrong.size(), kWrongMax); ++i) FAIL_CHECK(wrong[i]);
  CHECK(images > 1000);
  MESSAGE(images << " images, " << wrong.size() << " wrong");
}

TEST_CASE("crash: whichever call to the disk fails, nothing is lost, then or after a power cut") {
  const TemporaryFolder live;
  const TemporaryFolder folder;
  Campaign campaign;
  int faults = 0;
  for (const int failures : {1, 3}) {
    for (int n = 1;; ++n) {
      CAPTURE(failures);
      CAPTURE(n);
      live.clear();
      Recorder recorder{.path = state_in(live), .on_event = {}, .fail_at = n, .failures = failures};
      std::string error;
      const Recording recording = run_script(recorder, 3, 12, error);
      REQUIRE(error == "");
      if (recorder.calls < n) break;
      ++faults;
      const std::string where = "call " + std::to_string(n) + " fails";
      store::Dice dice(static_cast<std::uint64_t>(n));
      REQUIRE_FALSE(classify_response(live, {recording.states.back()}, dice));
      Disk disk;
      for (const RecordedEvent& each : recording.events) {
        disk.apply(each.event, dice);
        if (dice.below(20) != 0) continue;
        const Image image = disk.crash(static_cast<Loss>(dice.below(kLosses)), dice);
        judge_image(campaign, folder, image, right_states(recording, each.progress), where, dice);
      }
    }
  }
  for (const std::string& wrong : campaign.wrong) FAIL_CHECK(wrong);
  CHECK(faults > 200);
  MESSAGE(faults << " faults, " << campaign.images << " images after them");
}

TEST_CASE("crash: whatever a power cut leaves opens as the state before or after, and goes on") {
  const std::uint64_t images = number_from_environment("CRASH_IMAGES", kImagesInTests);
  const Campaign campaign = power_cuts(number_from_environment("CRASH_SEED", 1), images);
  for (const std::string& wrong : campaign.wrong) FAIL_CHECK(wrong);
  CHECK(campaign.images >= images);
  MESSAGE(campaign.images << " images at " << campaign.boundaries << " boundaries, "
                          << campaign.second_crashes << " of them second crashes");
}

TEST_CASE("crash: a store that syncs too little is found out") {
  for (const std::string mode : {"OFF", "NORMAL"}) {
    CAPTURE(mode);
    const std::string sql = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=" + mode;
    const Campaign campaign = power_cuts(1, 2000, sql, "synchronous");
    CHECK(campaign.wrong.size() > 0);
    MESSAGE("synchronous=" << mode << " found after " << campaign.images
                           << " images: " << campaign.wrong.at(0));
  }
}
