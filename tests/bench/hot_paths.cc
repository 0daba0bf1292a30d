// hot_paths PATH: does once what costs most, on prepared data, within measured_region(). Its
// instructions are counted by tests/bench/instructions_test.py.
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "exporter/acr/codec.h"
#include "exporter/acr/requests.h"
#include "exporter/acr/signer.h"
#include "exporter/exposition/self_metrics.h"
#include "exporter/ingest/ledger_rules.h"
#include "exporter/ingest/publisher.h"
#include "exporter/store/state_codec.h"
#include "tests/bench/build_page.h"
#include "tests/exposition/sample_snapshot.h"
#include "tests/store/sample_state.h"

using namespace registry_exporter;

using Work = std::function<void()>;
/// A name that the counting tool finds.
extern "C" [[gnu::noinline]] void measured_region(const Work& work) {
  work();
  asm volatile("" ::: "memory");
}

namespace {

constexpr std::size_t kRepositories = 500;
constexpr UnixMillis kNow{Millis{1'767'323'045'000}};

/// Renders the first snapshot, measured if `all`, then one in which every fiftieth repository has
/// changed.
void scrape(bool all, bool gzip) {
  exposition::SelfMetrics self(sample::kStillClock);
  exposition::Exposition exposition(sample::busy_options(), self);
  const auto first = sample::busy_registry(kRepositories, 1);
  exposition::LiveState live;
  live.now = first->taken_at;
  const Work render = [&] { exposition.render({{first}}, live, {.gzip = gzip}); };
  if (all) return measured_region(render);
  render();
  auto second = std::make_shared<RegistrySnapshot>(*first);
  ++second->version;
  for (std::size_t i = 0; i < kRepositories; i += 50) {
    RepositoryRow& row = second->rows[i];
    EventCounters counters = *row.cells[0].shown;
    ++counters.events[Outcome::success];
    row = sample::shown(std::make_shared<RepositoryView>(*row.cells[0].view), counters);
  }
  measured_region([&] { exposition.render({{second}}, live, {.gzip = gzip}); });
}

/// One page of 100 builds, half of them known.
void page() {
  const acr::Target target{"https://cr.cn-hangzhou.aliyuncs.com", "cri-1", Millis{10'000}};
  const cloud::Keys keys{"id", Secret("secret"), {}, {}, {}, 1};
  const acr::BuildStatusMap statuses;
  const std::vector<double> bounds{10, 60, 300, 1800};
  Ledger ledger;
  const auto take = [&](const std::string& body) {
    const auto parsed = acr::parse_build_page(body, {"shop", "api", "crr-a"}, {0, 100}, statuses);
    ingest::MergeEffects effects;
    for (const Record& record : parsed->records) {
      ingest::merge_record(ledger, record, {&kBuilds, kNow, bounds, true}, effects);
    }
  };
  take(bench::page_of_builds(1, 100));
  const std::string body = bench::page_of_builds(1, 100, 50);
  const auto sign = [&] {
    acr::sign_v3(acr::list_build_records(target, "crr-a", {0, 100}), keys, kNow,
                 "3156853299f313e23d1673dc12e1703d");
  };
  sign();  // The first time OpenSSL prepares itself.
  measured_region([&] {
    sign();
    take(body);
  });
}

ingest::TrackedRegistry tracked() {
  ingest::TrackedRegistry registry;
  for (std::size_t i = 1; i <= kRepositories; ++i) {
    auto list = std::make_unique<ingest::TrackedList>();
    list->number = static_cast<store::RepositoryNumber>(i);
    list->state = store::quiet_repository(static_cast<int>(i));
    list->state.kind = &kBuilds;
    registry.add(std::move(list));
  }
  return registry;
}

/// A commit of ten repositories among many.
void commit() {
  ingest::TrackedRegistry registry = tracked();
  const ingest::ReadRules rules;
  ingest::Publisher publisher(sample::kStillClock, registry, rules,
                              {"acr-prod", "acr", {&kBuilds}, {std::chrono::hours{24}}, false});
  int left = 10;
  for (const auto& [key, list] : registry.lists) {
    if (left-- > 0) list->mark_dirty();
  }
  measured_region([&] {
    store::StateChanges changes;
    const auto batch = publisher.collect(changes);
    for (const auto& change : changes.repositories) store::encode_repository(change.head);
    publisher.committed(*batch, true);
  });
}

void snapshot() {
  ingest::TrackedRegistry registry = tracked();
  const ingest::ReadRules rules;
  ingest::Publisher publisher(sample::kStillClock, registry, rules,
                              {"acr-prod", "acr", {&kBuilds}, {std::chrono::hours{24}}, false});
  measured_region([&] { publisher.snapshot(); });
}

}  // namespace

int main(int count, char** words) {
  const std::map<std::string_view, Work> paths{
      {"render_all", [] { scrape(true, false); }},
      {"render_changes", [] { scrape(false, false); }},
      {"compress_changes", [] { scrape(false, true); }},
      {"merge_page", page},
      {"commit", commit},
      {"snapshot", snapshot},
  };
  const auto path = count == 2 ? paths.find(words[1]) : paths.end();
  if (path != paths.end()) {
    path->second();
    return 0;
  }
  for (const auto& [name, work] : paths) std::printf("%s\n", std::string(name).c_str());
  return 2;
}
