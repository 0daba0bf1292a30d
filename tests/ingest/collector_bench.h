#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "exporter/engine.h"
#include "exporter/ingest/collector.h"
#include "tests/ingest/fake_list.h"
#include "tests/sim/baton.h"
#include "tests/sim/memory_store.h"

namespace registry_exporter::ingest {

/// A registry whose repositories and lists are what a test makes them.
class FakeCloud final : public Cloud {
 public:
  explicit FakeCloud(Baton& baton) : baton_(baton) {}

  Result<Discovery> discover(const PartFound& part_found) override {
    baton_.sleep(discovery_takes);
    Discovery discovery;
    discovery.complete = list_is_whole;
    discovery.server_time = baton_.now();
    for (const auto& [name, list] : lists) {
      ListedRepository listed;
      const auto id = ids.find(name);
      listed.ref = {"shop", name, id == ids.end() ? "crr-" + name : id->second};
      const auto made = created.find(name);
      listed.created_at = made == created.end() ? baton_.now() - created_ago : made->second;
      const auto changed = modified.find(name);
      listed.modified_at = changed == modified.end() ? UnixMillis{} : changed->second;
      discovery.repositories.push_back(listed);
      if (part_found && list_takes > Millis{0}) {
        Discovery part;
        part.server_time = discovery.server_time;
        part.repositories = {listed};
        part_found(part);
        baton_.sleep(list_takes);
      }
    }
    if (list_breaks) return fail(ErrorKind::server_error, "broken");
    return discovery;
  }
  Result<Page> list_records(const ListRef& list, const PageRequest& page) override {
    const RepositoryRef& repository = list.of;
    baton_.sleep(call_takes);
    if (list.kind->feeds_shares()) {
      ++feed_calls;
      if (feed_fails) return fail(ErrorKind::server_error, "broken");
      return feed.page(page);
    }
    asked.push_back(repository.name);
    if (!lists.contains(repository.name)) return fail(ErrorKind::not_found, "gone");
    if (failing.contains(repository.name)) return fail(ErrorKind::server_error, "broken");
    if (throwing == repository.name) throw std::runtime_error("by the test");
    Result<Page> answer = lists.at(repository.name).page(page);
    if (!answer) return answer;
    baton_.sleep(answer_takes);
    answer->rows += rejected.size();
    if (!rejected.empty()) answer->total = answer->rows;
    answer->rejected = rejected;
    return answer;
  }
  Result<Record> read_record(const ListRef& list, const std::string& id) override {
    if (!knows_ids) return fail(ErrorKind::forbidden, "no");
    return lists.at(list.of.name).record(id);
  }
  Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef&) override {
    return std::vector<RetentionRule>{};
  }
  bool has_notices() const override { return notices.has_value(); }
  Result<NoticePage> list_notices(const PageRequest& request) override {
    ++notice_calls;
    baton_.sleep(notices_take);
    if (notices_fail) return fail(ErrorKind::forbidden, "no");
    NoticePage page;
    page.server_time = baton_.now() + clock_ahead;
    if (request.index == 0) page.notices = *notices;
    page.rows = page.total.emplace(page.notices.size());
    return page;
  }
  /// A build of this repository has ended: so the cloud says.
  void tell(const std::string& id, const std::string& name, UnixMillis at) {
    notices->insert(notices->begin(), {id, &kBuilds, {"shop", name, ""}, at + clock_ahead});
  }
  void abort() override {}
  CloudHealth health() const override { return {}; }

  std::size_t times_asked(const std::string& name) const {
    return static_cast<std::size_t>(std::count(asked.begin(), asked.end(), name));
  }

  std::map<std::string, FakeList> lists;
  FakeList feed;  ///< One list for all repositories.
  int feed_calls = 0;
  bool feed_fails = false;
  std::optional<std::vector<Notice>> notices;  ///< Newest first; nullopt: no such list.
  int notice_calls = 0;
  bool notices_fail = false;
  Millis notices_take{10};
  Millis clock_ahead{0};                       ///< Of the cloud's clock, in notices.
  std::map<std::string, UnixMillis> modified;  ///< As the listing shows it.
  std::set<std::string> failing;
  std::string throwing;
  bool knows_ids = false;           ///< Records can be read by their id.
  std::vector<Rejection> rejected;  ///< On every page.
  std::vector<std::string> asked;
  Millis call_takes{10};
  Millis answer_takes{0};  ///< The way back.
  Millis discovery_takes{0};
  Millis list_takes{0};  ///< Each repository is a page of the list of its own, and takes so long.
  bool list_breaks = false;  ///< At its end.
  bool list_is_whole = true;
  Millis created_ago{std::chrono::hours(48)};
  std::map<std::string, UnixMillis> created;  ///< Else so long ago.
  std::map<std::string, std::string> ids;     ///< Else made of the name.

 private:
  Baton& baton_;
};

/// One collector on simulated time; commits happen when the test says so.
class Bench {
 public:
  explicit Bench(std::size_t repositories) : cloud(baton) {
    for (std::size_t i = 0; i < repositories; ++i) {
      cloud.lists["r" + std::to_string(i)].newest_first = {
          done("old" + std::to_string(i), started_ago(500)),
          done("older" + std::to_string(i), started_ago(900))};
    }
    options.name = "acr";
    options.min_interval = Millis{0};
    options.reading.lookback = std::chrono::hours(24 * 30);
    options.reading.sweep_interval = std::chrono::hours(1);
    options.discovery_interval = std::chrono::hours(1);
    options.reading.max_staleness = std::chrono::seconds(60);
    options.windows = {std::chrono::hours(1)};
    options.reading.bucket_bounds = {10, 60};
    options.concurrency = 1;
    options.discovery.scope = "all";
    options.discovery.accepts = [](const std::string&) { return true; };
    options.discovery.next_number = [this] { return ++last_number_; };
  }
  ~Bench() { collector->stop(); }

  std::int64_t started_ago(std::int64_t seconds_ago) const {
    return baton.now().time_since_epoch().count() / 1000 - seconds_ago;
  }

  /// The first list is longer than the others, and so the only one whose end is asked for.
  void lengthen_first() {
    cloud.lists["r0"].newest_first.push_back(done("oldest", started_ago(1300)));
  }

  void start(std::unique_ptr<TrackedRegistry> books = std::make_unique<TrackedRegistry>()) {
    collector =
        std::make_unique<Collector>(baton.runtime(), cloud, options, hooks(), std::move(books));
    collector->start();
  }
  /// The process is killed, and another one starts from what is on the disk.
  void restart() {
    collector->stop();
    collector.reset();
    EngineBooks books = engine_books_of(MemoryStore(disk, lives).load().value());
    options.has_past = books.shown;
    TrackedRegistry& registry = *books.registries.begin()->second;
    for (const auto& [key, list] : registry.lists) {
      // A made-up kind has the number of a real one.
      const StreamKind* const own = options.discovery.kinds.front();
      if (key.kind == own->number) list->state.kind = own;
    }
    start(std::move(books.registries.begin()->second));
  }

  /// A scrape with a commit before and at its end. True: complete.
  bool scrape(bool commits = true) {
    const ScrapeTicket ticket = collector->begin_scrape("scraper");
    const bool complete = wait(ticket);
    commit(commits);
    collector->answered("scraper", collector->snapshot()->version);
    return complete;
  }
  bool wait(const ScrapeTicket& ticket) {
    return collector->wait(ticket, baton.runtime().clock.steady_now() + std::chrono::minutes(5));
  }

  void commit(bool ok = true) {
    store::StateChanges changes;
    const auto batch = collector->collect(changes);
    if (ok) MemoryStore(disk, lives).commit(changes).value();
    collector->committed(*batch, ok);
  }

  std::uint64_t records(RecordClass record_class) const {
    return collector->snapshot()->state.records[static_cast<std::size_t>(record_class)];
  }

  Baton baton{7};
  Disk disk;
  FakeCloud cloud;
  CollectorOptions options;
  std::unique_ptr<Collector> collector;

 private:
  static CollectorHooks hooks() {
    return {[] {}, [](bool) {}};
  }
  static MemoryStore::Fate lives() { return MemoryStore::Fate::lives; }
  store::RepositoryNumber last_number_ = 0;
};

}  // namespace registry_exporter::ingest
