#include "exporter/ingest/history_details.h"

#include <doctest/doctest.h>

#include <map>

#include "tests/ingest/fake_list.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

const ListRef kList{&kRetentions, {"apps", "", "7"}};

/// A cloud that tells what each execution did only when it is asked for it.
class Executions final : public Cloud {
 public:
  std::map<std::string, Error> fails;  ///< By id, for ever.
  std::function<std::optional<Error>(int call)> fails_at;
  std::string under_way;
  std::vector<std::string> asked;

  Result<Discovery> discover(const PartFound&) override { return Discovery{}; }
  Result<Page> list_records(const ListRef&, const PageRequest&) override { return Page{}; }
  Result<Record> read_record(const ListRef&, const std::string&) override {
    return fail(ErrorKind::bad_request, "the list is known already");
  }
  Result<Record> read_details(const ListRef& list, const Record& listed) override {
    CHECK(list.of == kList.of);
    CHECK(listed.needs_details);
    CHECK_FALSE(listed.open);
    asked.push_back(listed.id);
    const auto error = fails_at ? fails_at(static_cast<int>(asked.size())) : std::nullopt;
    if (error) return tl::unexpected<Error>(*error);
    if (const auto lasting = fails.find(listed.id); lasting != fails.end()) {
      return tl::unexpected<Error>(lasting->second);
    }
    Record record = listed;
    if (listed.id == under_way) return record;
    record.needs_details = false;
    record.parts = {{{"apps", "web", ""}, Outcome::tag_rule, 10 + listed.key}};
    return record;
  }
  Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef&) override {
    return std::vector<RetentionRule>();
  }
  void abort() override {}
  CloudHealth health() const override { return {}; }
};

/// Execution n began at 1000 + 10n. Every third was a dry run, which has no details.
std::vector<PastRecord> executions(int count) {
  std::vector<PastRecord> records;
  for (int n = 1; n <= count; ++n) {
    PastRecord record;
    record.key = static_cast<RecordKey>(n);
    record.started_at = at(1000 + 10 * n);
    record.ended_at = at(1005 + 10 * n);
    if (n % 3 != 0) record.id_of_details = std::to_string(n);
    records.push_back(record);
  }
  return records;
}

std::uint64_t amount_of(const std::vector<PastRecord>& records) {
  std::uint64_t amount = 0;
  for (const PastRecord& record : records) {
    for (const Part& part : record.parts) amount += part.amount;
  }
  return amount;
}

MissingDetails read(Executions& cloud, std::vector<PastRecord>& records, Millis* paused = nullptr) {
  return read_details(cloud, kList, records, [paused](Millis span) {
    if (paused != nullptr) *paused += span;
  });
}

Error error_of(ErrorKind kind) { return {kind, "no", {}, {}}; }

}  // namespace

TEST_CASE("history details: each record that needs them is asked for once, the newest first") {
  Executions cloud;
  auto records = executions(5);
  CHECK(read(cloud, records).records == 0);
  CHECK(cloud.asked == std::vector<std::string>{"5", "4", "2", "1"});
  CHECK(amount_of(records) == 15 + 14 + 12 + 11);
}

TEST_CASE("history details: failures that pass cost time and nothing else") {
  for (const ErrorKind kind : {ErrorKind::throttled, ErrorKind::timeout, ErrorKind::server_error,
                               ErrorKind::transport, ErrorKind::malformed}) {
    CAPTURE(name(kind));
    Executions cloud;
    cloud.fails_at = [kind](int call) {
      return call % 3 == 0 ? std::nullopt : std::optional(error_of(kind));
    };
    auto records = executions(20);
    Millis paused{0};
    CHECK(read(cloud, records, &paused).records == 0);
    CHECK(cloud.asked.size() == 3 * 14);
    CHECK(paused > Millis{0});
  }
}

TEST_CASE("history details: what can't be read is told with the time that is whole") {
  struct Row {
    const char* name;
    std::function<void(Executions&)> arrange;
  };
  const Row rows[] = {
      {"refused", [](auto& cloud) { cloud.fails.emplace("4", error_of(ErrorKind::forbidden)); }},
      {"gone", [](auto& cloud) { cloud.fails.emplace("4", error_of(ErrorKind::not_found)); }},
      {"broken", [](auto& cloud) { cloud.fails.emplace("4", error_of(ErrorKind::server_error)); }},
      {"under way", [](auto& cloud) { cloud.under_way = "4"; }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Executions cloud;
    row.arrange(cloud);
    auto records = executions(5);
    const MissingDetails missing = read(cloud, records);
    CHECK(missing.records == 1);
    CHECK(missing.reason.find("record 4: ") == 0);
    CHECK(missing.whole_since == at(1040) + Millis{1});
    CHECK(amount_of(records) == 15 + 12 + 11);
  }
}

TEST_CASE("history details: without a start of what is missing no time is whole") {
  Executions cloud;
  cloud.fails.emplace("4", error_of(ErrorKind::forbidden));
  auto records = executions(5);
  records[3].started_at.reset();
  const MissingDetails missing = read(cloud, records);
  CHECK(missing.records == 1);
  CHECK_FALSE(missing.whole_since);
}

TEST_CASE("history details: a cloud that answers nothing is given up soon") {
  for (const ErrorKind kind :
       {ErrorKind::unauthorized, ErrorKind::canceled, ErrorKind::invalid_config,
        ErrorKind::forbidden, ErrorKind::server_error, ErrorKind::timeout}) {
    CAPTURE(name(kind));
    Executions cloud;
    cloud.fails_at = [kind](int) { return std::optional(error_of(kind)); };
    auto records = executions(300);
    const MissingDetails missing = read(cloud, records);
    CHECK(missing.records == 200);
    CHECK(missing.whole_since == at(4000 - 10) + Millis{1});
    CHECK(cloud.asked.size() <= 25);
    if (traits(kind).fails_every_call) CHECK(cloud.asked.size() == 1);
  }
}

TEST_CASE("history details: some that fail do not hide the others") {
  Executions cloud;
  auto records = executions(30);
  for (const char* id : {"4", "13", "14", "16", "22"}) {
    cloud.fails.emplace(id, error_of(ErrorKind::not_found));
  }
  const MissingDetails missing = read(cloud, records);
  CHECK(missing.records == 5);
  CHECK(missing.whole_since == at(1220) + Millis{1});
  CHECK(cloud.asked.size() == 20);
}
