#include "exporter/ingest/history_reader.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/ingest/fake_list.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

/// A cloud with one list, whose calls may fail.
class OneList final : public Cloud {
 public:
  FakeList list;
  std::function<std::optional<Error>(int call)> fails;
  int calls = 0;

  Result<Discovery> discover(const PartFound&) override { return Discovery{}; }
  Result<Page> list_records(const ListRef&, const PageRequest& page) override {
    const auto error = fails ? fails(calls++) : std::nullopt;
    if (error) return tl::unexpected<Error>(*error);
    return list.page(page);
  }
  Result<Record> read_record(const ListRef&, const std::string&) override {
    return fail(ErrorKind::bad_request, "no");
  }
  Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef&) override {
    return std::vector<RetentionRule>();
  }
  void abort() override {}
  CloudHealth health() const override { return {}; }
};

void fill(FakeList& list, int count) {
  for (int i = count - 1; i >= 0; --i) {
    list.newest_first.push_back(done("b" + std::to_string(i), 900'000 + i * 10));
  }
}

ListHistory history_of(OneList& cloud, int page_size = 10, Millis* paused = nullptr) {
  HistoryReading reading;
  reading.page_size = page_size;
  reading.now = at(1'000'000);
  reading.pause = [paused](Millis span) {
    if (paused != nullptr) *paused += span;
  };
  return read_history(cloud, {&kBuilds, {"n", "r", ""}}, reading);
}

}  // namespace

TEST_CASE("history reader: all orders, totals and limits of pages give each record once") {
  for (const bool oldest_first : {false, true}) {
    for (const Totals totals : kAllTotals) {
      for (const int limit : {3, 7, 1000}) {
        for (const bool by_offset : {false, true}) {
          CAPTURE(oldest_first);
          CAPTURE(static_cast<int>(totals));
          CAPTURE(limit);
          CAPTURE(by_offset);
          OneList cloud;
          fill(cloud.list, 45);
          cloud.list.newest_first.insert(cloud.list.newest_first.begin(), runs("open", 999'000));
          cloud.list.oldest_first = oldest_first;
          cloud.list.totals = totals;
          cloud.list.page_size_max = limit;
          cloud.list.by_offset = by_offset;
          const ListHistory history = history_of(cloud);
          std::set<RecordKey> keys;
          for (const PastRecord& record : history.records) keys.insert(record.key);
          CHECK(history.records.size() == 45);
          CHECK(keys.size() == 45);
          CHECK(history.cut_off.has_value() == (totals == Totals::high));
        }
      }
    }
  }
}

TEST_CASE("history reader: what comes in between does not hide what was there") {
  OneList cloud;
  fill(cloud.list, 60);
  int added = 0;
  cloud.list.between_calls = [&](FakeList& list) {
    if (list.calls % 2 != 0) return;
    list.newest_first.insert(list.newest_first.begin(), done("n" + std::to_string(added), 999'000));
    ++added;
  };
  const ListHistory history = history_of(cloud);
  CHECK_FALSE(history.cut_off);
  CHECK(history.records.size() >= 60);
}

TEST_CASE("history reader: failures that pass cost time and nothing else") {
  OneList cloud;
  fill(cloud.list, 60);
  cloud.fails = [](int call) -> std::optional<Error> {
    if (call % 3 != 2) return std::nullopt;
    return Error{call % 2 == 0 ? ErrorKind::throttled : ErrorKind::timeout, "later", {}, {}};
  };
  Millis paused{0};
  const ListHistory history = history_of(cloud, 10, &paused);
  CHECK_FALSE(history.cut_off);
  CHECK(history.records.size() == 60);
  CHECK(paused > Millis{0});
}

TEST_CASE("history reader: a depth that is refused cuts the list off, from a time on it is whole") {
  OneList cloud;
  fill(cloud.list, 60);
  cloud.list.refuses = [](std::size_t row) -> std::optional<Error> {
    if (row < 40) return std::nullopt;
    return Error{ErrorKind::bad_request, "too deep", {}, {}};
  };
  const ListHistory history = history_of(cloud);
  CHECK(history.records.size() == 40);
  REQUIRE(history.cut_off);
  CHECK(history.cut_off->detail == "too deep");
  CHECK(history.whole_since == at(900'200));
}

TEST_CASE("history reader: oldest first, what is missing is the newest, and no time is whole") {
  OneList cloud;
  fill(cloud.list, 60);
  cloud.list.oldest_first = true;
  cloud.list.refuses = [](std::size_t row) -> std::optional<Error> {
    if (row < 40) return std::nullopt;
    return Error{ErrorKind::bad_request, "too deep", {}, {}};
  };
  const ListHistory history = history_of(cloud);
  CHECK(history.records.size() == 40);
  CHECK(history.cut_off);
  CHECK_FALSE(history.whole_since);
}

TEST_CASE("history reader: a server that ends a list early, against its total, is told") {
  OneList cloud;
  fill(cloud.list, 60);
  cloud.list.total_lie = 500;
  const ListHistory history = history_of(cloud);
  CHECK(history.records.size() == 60);
  REQUIRE(history.cut_off);
  CHECK(history.cut_off->detail == "the list ends after 60 of 560 records");
  CHECK(history.whole_since == at(900'000));
}

TEST_CASE("history reader: a total that is off by less than a page is no reason to worry") {
  OneList cloud;
  fill(cloud.list, 60);
  cloud.list.total_lie = 5;
  CHECK_FALSE(history_of(cloud).cut_off);
}

TEST_CASE("history reader: what can't be read at all is given up soon") {
  for (const ErrorKind kind : {ErrorKind::forbidden, ErrorKind::not_found, ErrorKind::unauthorized,
                               ErrorKind::server_error, ErrorKind::throttled, ErrorKind::canceled,
                               ErrorKind::invalid_config}) {
    CAPTURE(name(kind));
    OneList cloud;
    fill(cloud.list, 60);
    cloud.fails = [&](int) { return Error{kind, "no", {}, {}}; };
    const ListHistory history = history_of(cloud);
    REQUIRE(history.cut_off);
    CHECK(history.cut_off->kind == kind);
    CHECK(history.records.empty());
    CHECK_FALSE(history.whole_since);
    CHECK(cloud.calls <= 30);
    if (traits(kind).fails_every_call) CHECK(cloud.calls == 1);
  }
}

TEST_CASE("history reader: an end in the future tells no time") {
  OneList cloud;
  cloud.list.newest_first.push_back(done("b", 999'000, Outcome::success, 100'000));
  const ListHistory history = history_of(cloud);
  REQUIRE(history.records.size() == 1);
  CHECK_FALSE(history.records.front().ended_at);
  CHECK(history.records.front().duration ==
        std::chrono::seconds(100'000));  // As a histogram observes it.
}

TEST_CASE("history reader: only real spans are durations") {
  OneList cloud;
  Record endless = done("endless", 997'000);
  endless.ended_at.reset();
  cloud.list.newest_first = {done("real", 999'000, Outcome::failed, 100),
                             done("backwards", 998'000, Outcome::failed, -1), endless};
  for (const PastRecord& record : history_of(cloud).records) {
    const bool is_real = record.key == record_key("real");
    CHECK(record.duration ==
          (is_real ? std::optional<Millis>(std::chrono::seconds(100)) : std::nullopt));
  }
}

TEST_CASE("history reader: what a record adds to others is kept, or by which id it is told") {
  OneList cloud;
  Record told = done("told", 999'000);
  told.parts = {{{"", "to-paris", "3"}, Outcome::success, 12}};
  Record not_told = done("not-told", 998'000);
  not_told.needs_details = true;
  Record under_way = runs("under-way", 997'000);
  cloud.list.newest_first = {told, not_told, under_way};
  const ListHistory history = history_of(cloud);
  CHECK_FALSE(history.cut_off);
  REQUIRE(history.records.size() == 2);
  for (const PastRecord& record : history.records) {
    CHECK(record.parts == (record.key == told.key ? told.parts : std::vector<Part>()));
    CHECK(record.id_of_details == (record.key == told.key ? "" : "not-told"));
  }
  CHECK(cloud.list.record_calls == 0);
}
