// One list of a whole instance that feeds many repositories.
#include "exporter/ingest/shares.h"

#include <doctest/doctest.h>

#include "tests/ingest/collector_bench.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::seconds;

namespace {

Record of(const std::string& repository, Record record) {
  record.owner = RepositoryRef{"shop", repository, ""};
  return record;
}

/// A registry with a list of synchronisations, and no list of its own for each repository.
class SyncBench : public Bench {
 public:
  explicit SyncBench(std::size_t repositories, bool with_builds = false) : Bench(repositories) {
    options.discovery.kinds = {&kAcrSyncs};
    if (with_builds) options.discovery.kinds = {&kBuilds, &kAcrSyncs};
    options.reading.max_staleness = seconds(1);  // Each scrape reads.
  }
  void lists(Record record) {
    auto& all = cloud.feed.newest_first;
    all.insert(all.begin(), std::move(record));
  }
  void tick(int times = 1) {
    for (int i = 0; i < times; ++i) {
      baton.sleep(seconds(2));
      cloud.feed.now = baton.now();
      scrape();
    }
  }
  std::size_t index() const { return *collector->snapshot()->cell_of(&kAcrSyncs); }
  /// nullptr: the repository has no series of synchronisations.
  const StreamCell* cell(const std::string& repository) const {
    snapshot_ = collector->snapshot();
    for (const RepositoryRow& row : snapshot_->rows) {
      const StreamCell& found = row.cells[index()];
      if (row.ref().name == repository && found.shown) return &found;
    }
    return nullptr;
  }
  /// -1: no series.
  int shown(const std::string& repository, Outcome outcome = Outcome::success) const {
    const StreamCell* const found = cell(repository);
    return found == nullptr ? -1 : static_cast<int>(found->shown->events[outcome]);
  }
  Record finished(const std::string& repository, const std::string& id, std::int64_t ago = 20,
                  Outcome outcome = Outcome::success) const {
    return of(repository, done(id, started_ago(ago), outcome));
  }

 private:
  mutable std::shared_ptr<const RegistrySnapshot> snapshot_;
};

}  // namespace

TEST_CASE("shares: what the list shows at its first reading is baseline, what comes later counts") {
  SyncBench bench(3);
  bench.lists(bench.finished("r0", "old", 400));
  bench.start();
  bench.tick(2);
  CHECK(bench.shown("r0") == 0);
  CHECK(bench.shown("r1") == -1);  // Nothing of it was ever listed.
  CHECK(bench.records(RecordClass::baseline) == 1);
  bench.lists(bench.finished("r0", "a"));
  bench.lists(bench.finished("r1", "b", 20, Outcome::failed));
  bench.tick();
  CHECK(bench.shown("r0") == 1);
  CHECK(bench.shown("r1", Outcome::failed) == 0);  // New series show 0 first.
  bench.tick();
  CHECK(bench.shown("r1", Outcome::failed) == 1);
  CHECK(bench.records(RecordClass::counted) == 2);
  CHECK(bench.collector->snapshot()->ledger_imbalance == 0);
}

TEST_CASE("shares: a list for all costs as many calls for a hundred repositories as for one") {
  int calls[2] = {};
  for (const std::size_t repositories : {std::size_t{1}, std::size_t{100}}) {
    SyncBench bench(repositories);
    for (std::size_t i = 0; i < 30; ++i) {
      bench.lists(bench.finished("r" + std::to_string(i % repositories), "old" + std::to_string(i),
                                 static_cast<std::int64_t>(900 - i)));
    }
    bench.start();
    bench.tick(3);
    const int before = bench.cloud.feed_calls;
    bench.tick(100);
    calls[repositories == 1 ? 0 : 1] = bench.cloud.feed_calls - before;
    CHECK(bench.cloud.asked.empty());
  }
  CHECK(calls[0] == calls[1]);
  CHECK(calls[0] <= 110);
}

TEST_CASE("shares: a task is followed from its first sight to its end, across a kill") {
  SyncBench bench(2);
  bench.lists(bench.finished("r1", "old", 400));
  bench.start();
  bench.tick(2);
  bench.lists(of("r0", runs("a", bench.started_ago(30))));
  bench.tick(2);
  REQUIRE(bench.cell("r0") != nullptr);
  CHECK(bench.cell("r0")->view->open == 1);
  CHECK(bench.cell("r0")->view->oldest_open_started_at);
  bench.restart();
  bench.tick(2);
  CHECK(bench.cell("r0")->view->open == 1);
  bench.cloud.feed.newest_first[0] = bench.finished("r0", "a", 60, Outcome::failed);
  bench.tick(3);
  CHECK(bench.cell("r0")->view->open == 0);
  CHECK(bench.shown("r0", Outcome::failed) == 1);
  CHECK(bench.cell("r0")->view->last_build->succeeded == false);
  bench.restart();
  bench.tick(3);
  CHECK(bench.shown("r0", Outcome::failed) == 1);
  CHECK(bench.records(RecordClass::counted) == 1);
  CHECK(bench.collector->snapshot()->ledger_imbalance == 0);
}

TEST_CASE("shares: a task that disappears while it runs is vanished, and counts if it comes back") {
  SyncBench bench(1);
  bench.lists(bench.finished("r0", "old", 400));
  bench.start();
  bench.tick(2);
  bench.lists(of("r0", runs("a", bench.started_ago(30))));
  bench.tick(2);
  bench.cloud.feed.newest_first.erase(bench.cloud.feed.newest_first.begin());
  for (int i = 0; i < 3; ++i) {
    bench.baton.sleep(std::chrono::hours(1));
    bench.tick();
  }
  CHECK(bench.records(RecordClass::vanished) == 1);
  CHECK(bench.cell("r0")->view->open == 0);
  CHECK(bench.collector->snapshot()->ledger_imbalance == 0);
  bench.lists(bench.finished("r0", "a", 60));
  bench.tick(3);
  CHECK(bench.shown("r0") == 1);
  CHECK(bench.collector->snapshot()->ledger_imbalance == 0);
}

TEST_CASE("shares: tasks of repositories that are not ours never count, nor when they become so") {
  SyncBench bench(2);
  bench.options.discovery.accepts = [](const std::string& name) { return name != "shop/r1"; };
  bench.start();
  bench.tick(2);
  bench.lists(bench.finished("r1", "a"));
  bench.lists(bench.finished("r0", "b"));
  bench.tick(3);
  CHECK(bench.shown("r0") == 1);
  CHECK(bench.shown("r1") == -1);
  bench.options.discovery.accepts = [](const std::string&) { return true; };
  bench.options.discovery.scope = "another";
  bench.restart();
  bench.tick(3);
  CHECK(bench.shown("r1") == -1);
  bench.lists(bench.finished("r1", "c", 1));
  bench.tick(3);
  CHECK(bench.shown("r1") == 1);
  CHECK(bench.shown("r0") == 1);
  CHECK(bench.records(RecordClass::baseline) == 1);
  CHECK(bench.collector->snapshot()->ledger_imbalance == 0);
}

TEST_CASE("shares: what ended before its repository became ours is history, also if met later") {
  SyncBench bench(2);
  bench.options.discovery.accepts = [](const std::string& name) { return name != "shop/r1"; };
  bench.start();
  bench.tick(2);
  bench.lists(bench.finished("r1", "a", 20));
  bench.lists(bench.finished("r0", "b", 20));
  bench.options.discovery.accepts = [](const std::string&) { return true; };
  bench.options.discovery.scope = "another";
  bench.baton.sleep(seconds(30));
  bench.restart();
  bench.tick(3);
  CHECK(bench.shown("r1") == 0);
  CHECK(bench.records(RecordClass::baseline) == 2);  // r0 never had a task before.
  bench.lists(bench.finished("r1", "c", 1));
  bench.lists(bench.finished("r0", "d", 1));
  bench.tick(3);
  CHECK(bench.shown("r1") == 1);
  CHECK(bench.shown("r0") == 1);
}

TEST_CASE("shares: a repository that no discovery has listed counts, and shows when one has") {
  SyncBench bench(1);
  bench.options.discovery_interval = seconds(60);
  bench.lists(bench.finished("r0", "old", 400));
  bench.start();
  bench.tick(2);
  bench.lists(bench.finished("new", "a"));
  bench.tick(3);
  CHECK(bench.shown("new") == -1);
  CHECK(bench.records(RecordClass::counted) == 1);
  bench.cloud.lists["new"];
  bench.baton.sleep(seconds(60));
  bench.tick();
  CHECK(bench.shown("new") == 0);
  bench.tick();
  CHECK(bench.shown("new") == 1);
  bench.cloud.lists.erase("new");
  for (int i = 0; i < 3; ++i) {
    bench.baton.sleep(seconds(60));
    bench.tick();
  }
  CHECK(bench.shown("new") == -1);
}

TEST_CASE("shares: what was counted before its repository was listed is no old value") {
  SyncBench bench(1);
  bench.options.discovery.count_history = true;
  bench.lists(bench.finished("new", "a", 400));
  bench.lists(bench.finished("r0", "b", 400));
  bench.start();
  bench.tick(2);
  CHECK(bench.shown("r0") == 1);
  CHECK(bench.shown("new") == -1);
  bench.cloud.lists["new"];
  bench.restart();
  bench.tick();
  CHECK(bench.shown("r0") == 1);
  CHECK(bench.shown("new") == 0);
  bench.tick();
  CHECK(bench.shown("new") == 1);
}

TEST_CASE("shares: a later repository shows zero first, also where history counts") {
  for (const bool known_before : {false, true}) {
    CAPTURE(known_before);
    SyncBench bench(1);
    bench.options.discovery.count_history = true;
    bench.options.discovery_interval = seconds(60);
    bench.options.reading.page_size = 1;
    bench.lists(bench.finished("r0", "b", 400));
    bench.lists(bench.finished("new", "a", 400));
    bench.cloud.feed.refuses = [&](std::size_t row) -> std::optional<Error> {
      // At first nothing, or all but the newest, can't be read.
      if (row == 0 && known_before) return std::nullopt;
      return Error{ErrorKind::server_error, "broken", {}, {}};
    };
    bench.start();
    bench.tick(2);
    bench.cloud.lists["new"];
    bench.cloud.created["new"] = bench.baton.now();
    bench.baton.sleep(seconds(60));
    bench.tick();
    CHECK(bench.shown("r0") == -1);
    CHECK(bench.shown("new") == (known_before ? 0 : -1));
    bench.cloud.feed.refuses = nullptr;
    bench.baton.sleep(seconds(60));
    bench.tick();
    if (!known_before) CHECK(bench.shown("r0") == 1);  // Else what could be read was whole.
    CHECK(bench.shown("new") == (known_before ? 1 : 0));
    bench.tick();
    CHECK(bench.shown("new") == 1);
  }
}

TEST_CASE("shares: builds and synchronisations of one repository are one row") {
  SyncBench bench(2, true);
  bench.start();
  bench.tick(2);
  bench.lists(bench.finished("r1", "a"));
  auto& builds = bench.cloud.lists["r1"].newest_first;
  builds.insert(builds.begin(), done("b", bench.started_ago(20), Outcome::failed));
  bench.tick(3);
  const auto snapshot = bench.collector->snapshot();
  REQUIRE(snapshot->rows.size() == 2);
  const RepositoryRow& row = snapshot->rows[1];
  CHECK(row.ref().name == "r1");
  CHECK(row.cells[0].shown->events[Outcome::failed] == 1);
  CHECK(row.cells[1].shown->events[Outcome::success] == 1);
  CHECK_FALSE(snapshot->rows[0].cells[1].shown);
  CHECK(snapshot->repositories[static_cast<std::size_t>(Freshness::fresh)] == 2);
  REQUIRE(snapshot->feeds.size() == 1);
  CHECK(snapshot->feeds[0].view->last_read);
}

TEST_CASE("shares: where nothing else is read a repository is as fresh as the list for all") {
  SyncBench bench(3);
  bench.options.reading.max_staleness = seconds(60);
  bench.start();
  bench.tick(2);
  const auto count = [&](Freshness state) {
    return bench.collector->snapshot()->repositories[static_cast<std::size_t>(state)];
  };
  CHECK(count(Freshness::fresh) == 3);
  bench.cloud.feed_fails = true;
  bench.baton.sleep(seconds(61));
  bench.tick();
  CHECK(count(Freshness::failing) == 3);
  CHECK(bench.collector->snapshot()->feeds[0].view->failing == ErrorKind::server_error);
}

TEST_CASE("shares: counted history shows whole or not at all") {
  SyncBench bench(2);
  bench.options.discovery.count_history = true;
  bench.options.reading.page_size = 10;
  for (int i = 0; i < 25; ++i) {
    bench.lists(bench.finished("r" + std::to_string(i % 2), "old" + std::to_string(i), 900 - i));
  }
  bench.start();
  const ScrapeTicket ticket = bench.collector->begin_scrape("scraper");
  while (bench.cloud.feed_calls < 2) bench.baton.sleep(Millis{1});
  bench.commit();
  CHECK(bench.shown("r0") == -1);
  bench.wait(ticket);
  bench.commit();
  CHECK(bench.shown("r0") == 13);
  CHECK(bench.shown("r1") == 12);
}

TEST_CASE("shares: a kind that is collected later, or again, begins with a baseline") {
  SyncBench bench(1, true);
  bench.options.discovery.kinds = {&kBuilds};
  bench.lists(bench.finished("r0", "a", 400));
  bench.start();
  bench.tick(2);
  const auto collect = [&](std::vector<const StreamKind*> kinds) {
    bench.options.discovery.kinds = std::move(kinds);
    bench.options.discovery.scope += "+";
    bench.restart();
    bench.tick(3);
  };
  collect({&kBuilds, &kAcrSyncs});
  CHECK(bench.shown("r0") == 0);
  bench.lists(bench.finished("r0", "b", 1));
  bench.tick(2);
  CHECK(bench.shown("r0") == 1);
  collect({&kBuilds});
  bench.lists(bench.finished("r0", "c", 200));
  collect({&kBuilds, &kAcrSyncs});
  CHECK(bench.shown("r0") == 1);
  bench.lists(bench.finished("r0", "d", 1));
  bench.tick(2);
  CHECK(bench.shown("r0") == 2);
  CHECK(bench.collector->snapshot()->ledger_imbalance == 0);
}

TEST_CASE("shares: whatever order tasks come in, a share has what its feed decided") {
  for (const bool oldest_first : {false, true}) {
    CAPTURE(oldest_first);
    SyncBench bench(5);
    bench.cloud.feed.oldest_first = oldest_first;
    bench.options.reading.page_size = 10;
    for (int i = 0; i < 40; ++i) {
      bench.lists(bench.finished("r" + std::to_string(i % 5), "old" + std::to_string(i), 9000 - i));
    }
    bench.start();
    bench.tick(2);
    for (int i = 0; i < 60; ++i) {
      bench.lists(bench.finished("r" + std::to_string(i % 5), "new" + std::to_string(i), 20));
      if (i % 7 == 0) bench.tick();
      if (i % 31 == 0) bench.restart();
    }
    bench.tick(4);
    for (int i = 0; i < 5; ++i) CHECK(bench.shown("r" + std::to_string(i)) == 12);
    CHECK(bench.records(RecordClass::counted) == 60);
    CHECK(bench.collector->snapshot()->ledger_imbalance == 0);
  }
}

namespace {

/// Executions of the retention of one namespace, whose repositories discovery lists.
struct RetentionBooks {
  RetentionBooks() {
    rules.kinds = {&kRetentions, &kRetentionDeletions};
    rules.accepts = [](const std::string& name) { return name != "team/foreign"; };
    rules.next_number = [this] { return ++last; };
  }
  void discovered(const std::vector<RepositoryRef>& refs) {
    Discovery discovery;
    discovery.complete = true;
    discovery.server_time = UnixMillis{seconds(1000)};
    for (const RepositoryRef& ref : refs)
      discovery.repositories.push_back({ref, {}, {}, {}, {}, {}});
    apply_discovery(registry, discovery, UnixMillis{seconds(1000)}, rules);
  }
  TrackedList* list(const std::string& name, const StreamKind& kind) {
    const auto found = registry.lists.find({"team", name, kind.number});
    return found == registry.lists.end() ? nullptr : found->second.get();
  }
  void deleted(const std::string& repository, std::uint64_t amount) {
    MergeEffects merged;
    merged.parts.push_back(
        {{{"team", repository, ""}, Outcome::date_rule, amount}, UnixMillis{seconds(2000)}});
    CHECK(feed_shares(registry, *list("", kRetentions), merged, {}, rules).empty());
  }
  std::uint64_t deletions(const std::string& repository) {
    return list(repository, kRetentionDeletions)->state.ledger.counters.events[Outcome::date_rule];
  }

  TrackedRegistry registry;
  DiscoveryRules rules;
  store::RepositoryNumber last = 0;
};

}  // namespace

TEST_CASE("shares: what an execution deleted is added to its repositories") {
  RetentionBooks books;
  books.discovered({{"team", "", "7"}, {"team", "app", ""}});
  REQUIRE(books.list("app", kRetentionDeletions) != nullptr);  // At 0 from discovery on.
  CHECK(books.list("app", kRetentionDeletions)->state.ledger.events_held[Outcome::date_rule]);
  books.deleted("app", 5);
  books.deleted("app", 2);
  CHECK(books.deletions("app") == 7);
  CHECK(imbalance(books.list("app", kRetentionDeletions)->state.ledger) == 0);
  books.deleted("foreign", 3);  // Left out by the filters.
  CHECK(books.list("foreign", kRetentionDeletions) == nullptr);
  books.deleted("gone", 3);  // It is not listed: counted, and not shown.
  CHECK(books.deletions("gone") == 3);
  CHECK_FALSE(books.list("gone", kRetentionDeletions)->has_series());
}

TEST_CASE("shares: deletions of counted history show once the list of executions was read whole") {
  RetentionBooks books;
  books.rules.count_history = true;
  books.discovered({{"team", "", "7"}, {"team", "app", ""}, {"other", "app", ""}});
  REQUIRE(books.list("", kRetentions)->state.hidden);
  CHECK(books.list("app", kRetentionDeletions)->state.hidden);
  const auto& without_policy =
      books.registry.lists.at({"other", "app", kRetentionDeletions.number});
  CHECK_FALSE(without_policy->state.hidden);
  show_history(books.registry, *books.list("", kRetentions), false);
  CHECK(books.list("app", kRetentionDeletions)->state.hidden);
  books.list("", kRetentions)->state.ledger.read_whole = true;
  show_history(books.registry, *books.list("", kRetentions), false);
  CHECK_FALSE(books.list("", kRetentions)->state.hidden);
  CHECK_FALSE(books.list("app", kRetentionDeletions)->state.hidden);
}

TEST_CASE("shares: counted history waits for what its executions deleted") {
  RetentionBooks books;
  books.rules.count_history = true;
  books.discovered({{"team", "", "7"}, {"team", "app", ""}});
  TrackedList& list = *books.list("", kRetentions);
  Visit visit(list, {.point_reads = true});
  const auto executions = [](bool details) {
    Page page;
    page.rows = 20;
    page.total = 20;
    for (int i = 0; i < 20; ++i) {
      Record record = done(std::to_string(i + 1), 900 - i);
      record.needs_details = !details;
      if (details) record.parts = {{{"team", "app", ""}, Outcome::date_rule, 3}};
      page.records.push_back(record);
    }
    return page;
  };
  const auto take = [&](const ListAnswer& answer) {
    const MergeEffects effects = visit.take(answer, {}, UnixMillis{seconds(2000)});
    feed_shares(books.registry, list, effects, {}, books.rules);
    show_history(books.registry, list, visit.awaits_details());
  };
  std::size_t asked = 0;
  while (const auto request = visit.next()) {
    CHECK(list.state.hidden);
    CHECK(books.list("app", kRetentionDeletions)->state.hidden);
    if (request->what == ListRequest::What::page) {
      take(Result<Page>(request->page.index == 0 ? executions(false) : Page{}));
    } else {
      const auto at = static_cast<std::size_t>(std::stoi(request->record_id)) - 1;
      ++asked;
      take(Result<Record>(executions(true).records[at]));
    }
  }
  CHECK(asked == 16);  // The rest is asked for at the next visit.
  CHECK(books.list("app", kRetentionDeletions)->state.hidden);
}

TEST_CASE("shares: a policy that came later counts what ended since the first start") {
  RetentionBooks books;
  books.discovered({{"team", "app", ""}});
  books.discovered({{"team", "", "7"}, {"team", "app", ""}});
  const Ledger& ledger = books.list("", kRetentions)->state.ledger;
  CHECK_FALSE(ledger.baseline_pending);
  CHECK(ledger.history_before == UnixMillis{seconds(1000)});
}

TEST_CASE("shares: a namespace is read where a repository of it is accepted") {
  RetentionBooks books;
  books.rules.accepts = [](const std::string& name) { return name == "team/app"; };
  books.discovered({{"team", "", "7"}, {"team", "app", ""}, {"other", "", "8"}});
  CHECK(books.list("", kRetentions) != nullptr);
  CHECK_FALSE(books.registry.lists.contains({"other", "", kRetentions.number}));
  books.rules.scope = "changed";
  apply_scope(books.registry, books.rules);
  CHECK_FALSE(books.list("", kRetentions)->state.excluded);
}

TEST_CASE("shares: a feed that is collected again begins with what it lists then as history") {
  TrackedRegistry registry;
  DiscoveryRules rules;
  rules.kinds = {&kAcrSyncs};
  rules.next_number = [] { return store::RepositoryNumber{1}; };
  ensure_feeds(registry, rules);
  TrackedList& feed = *registry.lists.begin()->second;
  feed.state.ledger.baseline_pending = false;
  feed.state.ledger.read_whole = true;
  ensure_feeds(registry, rules);
  CHECK(feed.state.ledger.read_whole);
  feed.state.excluded = true;
  ensure_feeds(registry, rules);
  CHECK_FALSE(feed.state.excluded);
  CHECK_FALSE(feed.state.ledger.read_whole);
  CHECK(feed.state.ledger.baseline_pending);
}
