#include "exporter/model/snapshot.h"

#include <doctest/doctest.h>

#include <memory>

using namespace registry_exporter;

namespace {

constexpr Millis kMinute{60'000};
const UnixMillis kNow{Millis{1'767'323'045'000}};

std::shared_ptr<RepositoryView> read_at(const RepositoryRef& ref, UnixMillis at) {
  auto view = std::make_shared<RepositoryView>();
  view->ref = ref;
  view->last_read = at;
  return view;
}

}  // namespace

TEST_CASE("snapshot: each repository is in one state, at the time that is asked for") {
  RegistrySnapshot registry;
  registry.kinds = {&kBuilds};
  for (const int minutes : {0, 1, 5}) {
    registry.rows.emplace_back().cells[0].view = read_at({"a", "b", ""}, kNow - minutes * kMinute);
  }
  registry.rows.emplace_back().cells[0].view = read_at({"namespace", "", ""}, kNow);
  registry.repositories = {9, 9, 9, 9, 7};  // The last: dropped. The others are counted anew.
  CHECK(count_states(registry, 2 * kMinute, kNow) == RepositoryCounts{2, 1, 0, 0, 7});
  CHECK(count_states(registry, 2 * kMinute, kNow + 10 * kMinute) ==
        RepositoryCounts{0, 3, 0, 0, 7});
}

TEST_CASE("snapshot: repositories without a row stand as the list of the whole registry") {
  RegistrySnapshot registry;
  registry.kinds = {&kAcrSyncs};
  registry.without_row = 3;
  CHECK(count_states(registry, 2 * kMinute, kNow) == RepositoryCounts{});
  const auto feed = read_at({}, kNow);
  registry.feeds = {{&kAcrSyncs, feed}};
  CHECK(count_states(registry, 2 * kMinute, kNow) == RepositoryCounts{3, 0, 0, 0, 0});
  feed->failing = ErrorKind::forbidden;
  CHECK(count_states(registry, 2 * kMinute, kNow) == RepositoryCounts{0, 0, 3, 0, 0});
}
