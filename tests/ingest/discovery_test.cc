#include "exporter/ingest/discovery.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

#include "tests/ingest/fake_list.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

const UnixMillis kFirstStart = at(1'000'000);

ListedRepository listed(const std::string& name, const std::string& id,
                        UnixMillis created_at = at(2'000'000)) {
  ListedRepository repository;
  repository.ref = {"team", name, id};
  repository.created_at = created_at;
  return repository;
}

/// A registry that is discovered pass by pass.
struct World {
  TrackedRegistry books;
  DiscoveryRules rules;
  store::RepositoryNumber last_number = 0;

  World() {
    books.state.bucket_bounds = {10, 60};
    rules.scope = "*";
    rules.accepts = [](const std::string&) { return true; };
    rules.next_number = [this] { return ++last_number; };
  }
  DiscoveryEffects pass(std::vector<ListedRepository> repositories, bool complete = true) {
    Discovery discovery;
    discovery.repositories = std::move(repositories);
    discovery.complete = complete;
    discovery.server_time = kFirstStart;
    return apply_discovery(books, discovery, kFirstStart, rules);
  }
  TrackedList& at_name(const std::string& name) { return *books.lists.at({"team", name}); }
  void read(const std::string& name, std::vector<Record> newest_first) {
    FakeList list;
    list.newest_first = std::move(newest_first);
    visit(list, at_name(name).state.ledger);
  }
  std::uint64_t counted_in(const std::string& name) { return counted(at_name(name).state.ledger); }
};

}  // namespace

TEST_CASE("discovery: a repository loses its series when two complete passes don't list it") {
  World world;
  world.pass({listed("a", "1"), listed("b", "2")});
  world.read("a", {done("old", 900'000)});
  world.pass({listed("b", "2")}, false);
  world.pass({listed("b", "2")}, false);
  CHECK(world.at_name("a").has_series());  // What broke off proves nothing.
  world.pass({listed("b", "2")});
  CHECK(world.at_name("a").has_series());
  world.pass({listed("a", "1"), listed("b", "2")});
  world.pass({listed("b", "2")});
  CHECK(world.at_name("a").has_series());  // Not twice in a row.
  CHECK(world.pass({listed("b", "2")}).dropped == 1);
  CHECK_FALSE(world.at_name("a").has_series());
  CHECK(world.at_name("a").state.ledger.known == 1);
  world.pass({listed("a", "1"), listed("b", "2")});
  CHECK(world.at_name("a").has_series());
  world.read("a", {done("old", 900'000)});
  CHECK(world.counted_in("a") == 0);  // Still known.
}

TEST_CASE("discovery: a namespace that is denied or fails proves nothing of what is in it") {
  for (const bool fails : {true, false}) {
    CAPTURE(fails);
    World world;
    ListedRepository other = listed("b", "2");
    other.ref.repo_namespace = "other";
    world.pass({listed("a", "1"), other});
    for (int i = 0; i < 3; ++i) {
      Discovery discovery;
      discovery.complete = true;
      discovery.server_time = kFirstStart;
      (fails ? discovery.failed_namespaces : discovery.denied_namespaces) = {"team"};
      apply_discovery(world.books, discovery, kFirstStart, world.rules);
    }
    CHECK(world.at_name("a").has_series());
    CHECK_FALSE(world.books.lists.at({"other", "b"})->has_series());
  }
}

TEST_CASE("discovery: under the same name with another id the counters go on and the list is new") {
  World world;
  world.pass({});
  world.pass({listed("a", "1")});
  world.read("a", {done("x", 900'000), done("y", 899'000)});
  REQUIRE(world.counted_in("a") == 2);
  world.pass({listed("a", "another")});
  CHECK(world.at_name("a").state.ref.cloud_id == "another");
  CHECK_FALSE(world.at_name("a").state.ledger.read_whole);
  world.read("a", {done("z", 900'100)});
  CHECK(world.counted_in("a") == 3);
  CHECK(imbalance(world.at_name("a").state.ledger) == 0);
}

TEST_CASE("discovery: a renamed repository's records don't count again under the new name") {
  World world;
  world.pass({});
  world.pass({listed("a", "1")});
  world.read("a", {runs("open", 900'100), done("x", 900'000)});
  REQUIRE(world.counted_in("a") == 1);
  world.pass({listed("b", "1")});
  CHECK_FALSE(world.at_name("a").has_series());
  CHECK(world.at_name("b").has_series());
  world.read("b", {done("news", 900'200), done("open", 900'100), done("x", 900'000)});
  CHECK(world.counted_in("b") == 2);
  CHECK(world.counted_in("a") == 1);
  CHECK(imbalance(world.at_name("b").state.ledger) == 0);
}

TEST_CASE(
    "discovery: under a new name there are the histograms of the statuses seen under the old") {
  World world;
  world.pass({listed("a", "1")});
  world.read("a", {done("x", 900'000, Outcome::failed)});
  world.pass({listed("b", "1")});
  const Ledger& ledger = world.at_name("b").state.ledger;
  CHECK(ledger.counters.durations[Outcome::failed] == DurationHistogram{{0, 0, 0}, 0});
  CHECK(ledger.durations_held[Outcome::failed]);
  CHECK_FALSE(ledger.counters.durations[Outcome::success]);
}

TEST_CASE("discovery: counted history waits under a new name, too; a later repository does not") {
  World world;
  world.rules.count_history = true;
  const UnixMillis before = kFirstStart - std::chrono::hours(1);
  world.pass({listed("old", "1", before), listed("recreated", "2", before)});
  world.pass({listed("old", "1", before), listed("recreated", "3")});
  world.pass({listed("old-renamed", "1", before), listed("recreated-renamed", "3")});
  CHECK(world.at_name("old-renamed").state.hidden);
  const RepositoryState& later = world.at_name("recreated-renamed").state;
  CHECK_FALSE(later.hidden);
  CHECK(later.ledger.events_held[Outcome::success]);  // It shows 0 first.
}

TEST_CASE("discovery: one made while the first pass was under way shows under a new name") {
  World world;
  world.rules.count_history = true;
  world.pass({listed("a", "1")});
  REQUIRE(world.at_name("a").state.hidden);
  world.pass({listed("b", "1")});
  const RepositoryState& renamed = world.at_name("b").state;
  CHECK_FALSE(renamed.hidden);
  CHECK(renamed.ledger.events_held[Outcome::success]);
}

TEST_CASE("discovery: what comes later is news, unless it was there before the first start") {
  World world;
  world.pass({listed("first", "1")});
  world.pass({listed("first", "1"), listed("later", "2"),
              listed("old", "3", kFirstStart - std::chrono::hours(1))});
  for (const char* name : {"first", "later", "old"}) world.read(name, {done("x", 900'000)});
  CHECK(world.counted_in("first") == 0);
  CHECK(world.counted_in("later") == 1);
  CHECK(world.counted_in("old") == 0);
}

TEST_CASE("discovery: one made anew before its predecessor was read is news") {
  World world;
  world.pass({listed("a", "1", kFirstStart - std::chrono::hours(1)), listed("b", "2")});
  world.pass({listed("a", "3"), listed("b", "2")});
  world.pass({listed("a-renamed", "3"), listed("b", "2")});
  world.read("a-renamed", {done("x", 900'000)});
  CHECK(world.counted_in("a-renamed") == 1);
}

TEST_CASE("discovery: one made anew before its predecessor was read is news without a date, too") {
  World world;
  ListedRepository anew = listed("a", "2");
  anew.created_at.reset();
  world.pass({listed("a", "1")});
  world.pass({anew});
  world.read("a", {done("x", 900'000)});
  CHECK(world.counted_in("a") == 1);
}

TEST_CASE("discovery: one made anew before its counted history was read shows zero first") {
  World world;
  world.rules.count_history = true;
  world.pass({listed("a", "1", kFirstStart - std::chrono::hours(1)), listed("b", "2")});
  world.pass({listed("a", "3"), listed("b", "2")});
  CHECK_FALSE(world.at_name("a").state.hidden);
  CHECK(world.at_name("a").state.ledger.events_held[Outcome::success]);
  CHECK(world.at_name("b").state.hidden);
}

TEST_CASE("discovery: one that is configured and found later has the history of the first start") {
  const auto found = [](std::optional<UnixMillis> created_at, bool count_history) {
    World world;
    world.rules.fixed_list = true;
    world.rules.count_history = count_history;
    ListedRepository typo = listed("a", "");
    typo.created_at.reset();
    world.pass({typo});
    world.pass({typo});
    CHECK(world.at_name("a").has_series());
    ListedRepository repository = listed("a", "1");
    repository.created_at = created_at;
    world.pass({repository});
    world.read("a", {done("old", 900'000)});
    world.pass({repository});  // It is the same one.
    world.read("a", {done("new", 2'500'000), done("old", 900'000)});
    CHECK(world.at_name("a").state.ledger.known == 2);
    return world.counted_in("a");
  };
  CHECK(found(std::nullopt, false) == 1);
  CHECK(found(at(900'000), false) == 1);
  CHECK(found(at(2'000'000), false) == 2);
  CHECK(found(std::nullopt, true) == 2);
}

TEST_CASE("discovery: a place that is never listed does not make all that comes later history") {
  World world;
  world.rules.count_history = false;
  world.pass({listed("a", "1")}, false);
  CHECK_FALSE(world.books.state.discovered);
  world.pass({listed("a", "1"), listed("b", "2")}, false);
  CHECK(world.at_name("b").state.ledger.baseline_pending);
  world.pass({listed("a", "1"), listed("b", "2")}, false);
  CHECK(world.books.state.discovered);
  world.pass({listed("a", "1"), listed("b", "2"), listed("c", "3")}, false);
  CHECK_FALSE(world.at_name("c").state.ledger.baseline_pending);
}

TEST_CASE("discovery: over max_repositories the first come are kept, the rest is told of") {
  World world;
  world.rules.max_repositories = 2;
  CHECK(world.pass({listed("a", "1"), listed("b", "2"), listed("c", "3")}).over_limit == 1);
  CHECK(world.books.lists.size() == 2);
  CHECK(world.pass({listed("0", "0"), listed("a", "1"), listed("b", "2")}).over_limit == 1);
  CHECK(world.at_name("a").has_series());
  CHECK(world.at_name("b").has_series());
  world.pass({listed("c", "3"), listed("b", "2")});
  world.pass({listed("c", "3"), listed("b", "2")});  // "a" is gone: there is room.
  CHECK(world.pass({listed("c", "3"), listed("b", "2")}).over_limit == 0);
  CHECK(world.at_name("c").has_series());
}

TEST_CASE(
    "discovery: a state without a project takes the first one it hears of, and stays with it") {
  struct Row {
    const char* before;
    const char* project;
    const char* after;
  };
  const Row rows[] = {
      {"x\nswr\nr\n", "p", "x\nswr\nr\np"},
      {"x\nswr\nr\np", "q", "x\nswr\nr\np"},
      {"x\nswr\nr\n", "", "x\nswr\nr\n"},
      {"x\nacr\ni", "", "x\nacr\ni"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.after);
    Discovery discovery;
    discovery.project_id = row.project;
    World whole, part;
    whole.books.state.identity = part.books.state.identity = row.before;
    apply_discovery(whole.books, discovery, kFirstStart, whole.rules);
    FirstParts none;
    apply_first_part(part.books, discovery, kFirstStart, part.rules, none);
    CHECK(whole.books.state.identity == row.after);
    CHECK(part.books.state.identity == row.after);
  }
}

TEST_CASE("discovery: one that is renamed and then named as before counts nothing twice") {
  World world;
  world.pass({});
  world.pass({listed("a", "1")});
  world.read("a", {done("x", 900'000)});
  world.pass({listed("b", "1")});
  world.read("b", {done("y", 900'100), done("x", 900'000)});
  REQUIRE(world.counted_in("b") == 1);
  world.pass({listed("a", "1")});
  world.read("a", {done("z", 900'200), done("y", 900'100), done("x", 900'000)});
  CHECK(world.counted_in("a") == 2);
  CHECK(imbalance(world.at_name("a").state.ledger) == 0);
}

TEST_CASE("discovery: renamed while another takes its name, nothing counts twice") {
  for (const bool new_first : {false, true}) {
    CAPTURE(new_first);
    World world;
    world.pass({});
    world.pass({listed("a", "1")});
    world.read("a", {runs("o", 900'050), done("x", 900'000)});
    const std::string to = new_first ? "b" : "A";
    world.pass({listed("a", "9"), listed(to, "1")});
    world.read(to, {done("o", 900'050), done("x", 900'000)});
    world.read("a", {done("z", 900'200)});
    CHECK(world.counted_in("a") == 2);
    CHECK(world.counted_in(to) == 1);
    CHECK(world.at_name("a").state.ledger.open.empty());
    CHECK(imbalance(world.at_name("a").state.ledger) == 0);
    CHECK(imbalance(world.at_name(to).state.ledger) == 0);
  }
}

TEST_CASE("discovery: two that swap their names count nothing twice") {
  World world;
  world.pass({listed("a", "1"), listed("b", "2")});
  world.read("a", {done("x", 900'000)});
  world.read("b", {done("y", 900'000)});
  world.pass({listed("a", "2"), listed("b", "1")});
  world.read("a", {done("y2", 900'200), done("y", 900'000)});
  world.read("b", {done("x2", 900'200), done("x", 900'000)});
  CHECK(world.counted_in("a") == 1);
  CHECK(world.counted_in("b") == 1);
}

TEST_CASE("discovery: one that takes the name of another counts nothing twice") {
  World world;
  world.pass({listed("a", "1"), listed("b", "2")});
  world.read("a", {done("x", 900'000)});
  world.read("b", {done("y", 900'000)});
  world.pass({listed("a", "2")});
  world.read("a", {done("y2", 900'200), done("y", 900'000)});
  CHECK(world.counted_in("a") == 1);
}

TEST_CASE("discovery: an older one that takes the place of another has history") {
  World world;
  world.pass({listed("a", "1")});
  world.read("a", {done("x", 900'000)});
  world.pass({listed("a", "2", kFirstStart - std::chrono::hours(1))});
  world.read("a", {done("y", 900'000)});
  CHECK(world.counted_in("a") == 0);
}

TEST_CASE("discovery: one under the name of another that was renamed before it was read is news") {
  World world;
  world.pass({listed("a", "1", kFirstStart - std::chrono::hours(1))});
  world.pass({listed("b", "1", kFirstStart - std::chrono::hours(1))});
  world.pass({listed("a", "9"), listed("b", "1", kFirstStart - std::chrono::hours(1))});
  world.read("a", {done("z", 900'000)});
  world.read("b", {done("x", 900'000)});
  CHECK(world.counted_in("a") == 1);
  CHECK(world.counted_in("b") == 0);
}

namespace {

/// Repositories whose names move at random, among a few; each has its builds.
struct MovingNames {
  struct Repository {
    std::string id, name;
    std::vector<Record> newest_first;
  };
  explicit MovingNames(unsigned seed) : dice(seed) {}

  std::size_t below(std::size_t n) { return dice() % n; }
  bool is_free(const std::string& name) const {
    return std::none_of(repositories.begin(), repositories.end(),
                        [&](const Repository& each) { return each.name == name; });
  }
  void move() {
    const std::string name = "n" + std::to_string(below(4));
    if (repositories.size() < 3 && is_free(name)) {
      repositories.push_back({std::to_string(++last), name, {}});
    }
    if (repositories.empty()) return;
    Repository& one = repositories[below(repositories.size())];
    Repository& other = repositories[below(repositories.size())];
    const std::size_t turn = below(6);
    if (turn == 0) std::swap(one.name, other.name);
    if (turn == 1 && is_free(name)) one.name = name;
    if (turn == 2 && below(3) == 0) repositories.erase(repositories.begin());
  }
  void build() {
    for (Repository& each : repositories) {
      for (Record& record : each.newest_first) {
        if (record.open && below(2) == 0) record = done(record.id, start_of(record));
      }
      const std::string id = "b" + std::to_string(++last);
      const bool runs_on = below(3) == 0;
      const std::int64_t start = 900'000 + last;
      each.newest_first.insert(each.newest_first.begin(),
                               runs_on ? runs(id, start) : done(id, start));
    }
  }
  static std::int64_t start_of(const Record& record) {
    return record.started_at->time_since_epoch().count() / 1000;
  }

  std::mt19937 dice;
  std::vector<Repository> repositories;
  std::int64_t last = 0;
};

}  // namespace

TEST_CASE("discovery: however names move, each build counts once") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    World world;
    world.pass({});
    MovingNames moving(seed);
    std::set<std::string> finished;
    for (int round = 0; round < 40; ++round) {
      moving.move();
      moving.move();
      moving.build();
      std::shuffle(moving.repositories.begin(), moving.repositories.end(), moving.dice);
      std::vector<ListedRepository> all;
      for (const auto& each : moving.repositories) all.push_back(listed(each.name, each.id));
      world.pass(all);
      for (const auto& each : moving.repositories) {
        if (moving.below(4) == 0) continue;
        world.read(each.name, each.newest_first);
        for (const Record& record : each.newest_first) {
          if (!record.open) finished.insert(record.id);
        }
      }
    }
    std::uint64_t counted = 0, unbalanced = 0;
    for (const auto& [key, list] : world.books.lists) {
      counted += list->state.ledger.counters.events[Outcome::success];
      unbalanced += imbalance(list->state.ledger);
    }
    CHECK(counted == finished.size());
    CHECK(unbalanced == 0);
  }
}
