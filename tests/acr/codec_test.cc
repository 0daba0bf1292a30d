#include "exporter/acr/codec.h"

#include <doctest/doctest.h>

#include <string>

namespace registry_exporter::acr {
namespace {

constexpr std::int64_t kStart = 1'767'319'445'000;
constexpr std::int64_t kEnd = 1'767'319'705'000;
const RepositoryRef kAsked{"shop", "api", "crr-a"};

UnixMillis at(std::int64_t millis) { return UnixMillis(Millis(millis)); }

/// A whole page with these rows and these further fields.
std::string page_of(const std::string& rows, const std::string& more = R"("TotalCount":"1")") {
  return R"({"Code":"success","IsSuccess":true,"PageNo":1,"PageSize":100,)" + more +
         R"(,"BuildRecords":[)" + rows + "]}";
}

/// A row with this id (as JSON) and these further fields.
std::string row_of(const std::string& id, const std::string& more) {
  return R"({"BuildRecordId":)" + id + "," + more + "}";
}

Result<Page> parse(const std::string& body, PageRequest request = {},
                   const BuildStatusMap& statuses = BuildStatusMap()) {
  return parse_build_page(body, kAsked, request, statuses);
}

TEST_CASE("build page: the documented answer reads as documented") {
  const auto page = parse(
      R"({"RequestId":"R","Code":"success","IsSuccess":true,"PageNo":1,"PageSize":50,"TotalCount":"2",
 "BuildRecords":[
  {"BuildRecordId":"1111","BuildStatus":"BUILDING","StartTime":"1767323045000","EndTime":"",
   "Image":{"RepoId":"crr-a","RepoName":"api","RepoNamespaceName":"shop","ImageTag":"v2"}},
  {"BuildRecordId":"2222","BuildStatus":"SUCCESS","StartTime":"1767319445000","EndTime":"1767319705000",
   "Image":{"RepoId":"crr-a","RepoName":"api","RepoNamespaceName":"shop","ImageTag":"v1"}}]})");
  REQUIRE(page.has_value());
  CHECK(page->rows == 2);
  CHECK(page->total == 2U);
  CHECK(page->page_size == 50);
  CHECK(page->rejected.empty());
  CHECK(page->unknown_statuses.empty());
  REQUIRE(page->records.size() == 2);
  CHECK(page->records[0] == Record{"1111", record_key("1111"), at(1'767'323'045'000), std::nullopt,
                                   true, Outcome::other});
  CHECK(page->records[1] ==
        Record{"2222", record_key("2222"), at(kStart), at(kEnd), false, Outcome::success});
}

TEST_CASE("build page: a body that is not one sound JSON object is malformed") {
  const std::string good = page_of(row_of(R"("a")", R"("BuildStatus":"SUCCESS")"));
  REQUIRE(parse(good).has_value());
  std::string deep = page_of("");
  deep.insert(deep.size() - 1, R"(,"X":)" + std::string(10'000, '[') + std::string(10'000, ']'));
  struct Row {
    const char* name;
    std::string body;
  };
  const Row rows[] = {
      {"empty", ""},
      {"cut", good.substr(0, good.size() - 3)},
      {"trailing garbage", good + "x"},
      {"two documents", good + good},
      {"byte order mark", "\xEF\xBB\xBF" + good},
      {"a key twice", page_of("", R"("TotalCount":"1","TotalCount":"1")")},
      {"a key twice, once escaped", page_of("", R"("TotalCount":"1","Total\u0043ount":"1")")},
      {"a key twice deep inside", page_of(row_of(R"("a")", R"("X":[{"b":1,"b":2}])"))},
      {"invalid UTF-8", page_of(row_of("\"\xFF\"", R"("BuildStatus":"SUCCESS")"))},
      {"lone high surrogate", page_of(row_of(R"("\ud800")", R"("BuildStatus":"SUCCESS")"))},
      {"lone low surrogate", page_of(row_of(R"("\udc00")", R"("BuildStatus":"SUCCESS")"))},
      {"raw control character", page_of(row_of("\"a\nb\"", R"("BuildStatus":"SUCCESS")"))},
      {"NaN", page_of(row_of(R"("a")", R"("StartTime":NaN)"))},
      {"leading zero", page_of(row_of(R"("a")", R"("StartTime":0123)"))},
      {"too deep", deep},
      {"an array", "[" + good + "]"},
      {"a number", "1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto page = parse(row.body);
    REQUIRE_FALSE(page.has_value());
    CHECK(page.error().kind == ErrorKind::malformed);
  }
}

TEST_CASE("build page: a list may hide in every shape, but not be missing") {
  struct Row {
    const char* name;
    std::string fields;
    PageRequest request;
    bool accepted;
    std::size_t rows;
  };
  const std::string row = R"({"BuildRecordId":"a","BuildStatus":"SUCCESS"})";
  const Row rows[] = {
      {"empty", R"("TotalCount":"0","BuildRecords":[])", {}, true, 0},
      {"null, total 0", R"("TotalCount":"0","BuildRecords":null)", {}, true, 0},
      {"absent, total 0", R"("TotalCount":0)", {}, true, 0},
      {"absent, no total", R"("PageNo":1)", {}, true, 0},
      {"empty text", R"("TotalCount":0,"BuildRecords":"")", {}, true, 0},
      {"null, total 3", R"("TotalCount":3,"BuildRecords":null)", {}, false, 0},
      {"absent, total 3", R"("TotalCount":"3")", {}, false, 0},
      {"absent behind the end", R"("TotalCount":"100")", {.index = 1, .size = 100}, true, 0},
      {"absent on a later page", R"("TotalCount":"101")", {.index = 1, .size = 100}, true, 0},
      {"null on a later page, whatever the total",
       R"("TotalCount":"6000","BuildRecords":null)",
       {.index = 1, .size = 100},
       true,
       0},
      {"wrapped", R"("TotalCount":1,"BuildRecords":{"BuildRecord":[)" + row + "]}", {}, true, 1},
      {"wrapped nothing", R"("TotalCount":0,"BuildRecords":{"BuildRecord":null})", {}, true, 0},
      {"wrapped null, total 1", R"("TotalCount":1,"BuildRecords":{})", {}, false, 0},
      {"a text", R"("BuildRecords":"none")", {}, false, 0},
      {"a number", R"("BuildRecords":0)", {}, false, 0},
  };
  for (const Row& each : rows) {
    CAPTURE(each.name);
    const auto page = parse("{" + each.fields + "}", each.request);
    REQUIRE(page.has_value() == each.accepted);
    if (page) CHECK(page->rows == each.rows);
    if (!page) CHECK(page.error().kind == ErrorKind::malformed);
  }
}

TEST_CASE("build page: totals and page sizes are read from texts and numbers, or not at all") {
  struct Row {
    const char* fields;
    std::optional<std::uint64_t> total;
    std::optional<int> page_size;
  };
  const Row rows[] = {
      {R"("TotalCount":"7","PageSize":30)", 7, 30},
      {R"("TotalCount":7,"PageSize":"30")", 7, 30},
      {R"("TotalCount":7.0,"PageSize":3e1)", 7, 30},
      {R"("TotalCount":"","PageSize":null)", std::nullopt, std::nullopt},
      {R"("TotalCount":-1,"PageSize":-1)", std::nullopt, std::nullopt},
      {R"("TotalCount":"NaN","PageSize":0)", std::nullopt, std::nullopt},
      {R"("TotalCount":1.5,"PageSize":99999999999)", std::nullopt, std::nullopt},
      {R"("TotalCount":99999999999999999999999,"PageSize":1e999)", std::nullopt, std::nullopt},
      {R"("TotalCount":{},"PageSize":[])", std::nullopt, std::nullopt},
      {R"("X":1)", std::nullopt, std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.fields);
    const auto page = parse(std::string(R"({"BuildRecords":[],)") + row.fields + "}");
    REQUIRE(page.has_value());
    CHECK(page->total == row.total);
    CHECK(page->page_size == row.page_size);
  }
}

TEST_CASE("build page: a time is an exact number of plausible milliseconds, or none") {
  struct Row {
    const char* value;
    std::optional<std::int64_t> millis;
  };
  const Row rows[] = {
      {R"("1767319445000")", kStart},
      {"1767319445000", kStart},
      {"1767319445000.0", kStart},
      {"1.767319445e12", kStart},
      {R"(" 1767319445000 ")", kStart},
      {"946684800000", 946'684'800'000},
      {"946684799999", std::nullopt},
      {"4102444799999", 4'102'444'799'999},
      {"4102444800000", std::nullopt},
      {"1767319445", std::nullopt},
      {"1767319445000000", std::nullopt},
      {R"("")", std::nullopt},
      {R"("0")", std::nullopt},
      {"0", std::nullopt},
      {"null", std::nullopt},
      {"-1767319445000", std::nullopt},
      {"1767319445000.5", std::nullopt},
      {R"("1767319445000x")", std::nullopt},
      {R"("1.767319445e12")", std::nullopt},
      {R"("2026-01-02T03:04:05Z")", std::nullopt},
      {"true", std::nullopt},
      {"[1767319445000]", std::nullopt},
      {R"({"x":1})", std::nullopt},
      {"9223372036854775807", std::nullopt},
      {"18446744073709551615", std::nullopt},
      {"123456789012345678901234567890", std::nullopt},
      {"-123456789012345678901234567890", std::nullopt},
      {"1e999", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    const std::string fields = std::string(R"("BuildStatus":"SUCCESS","StartTime":)") + row.value +
                               R"(,"EndTime":)" + row.value;
    const auto page = parse(page_of(row_of(R"("a\"1e999\\")", fields)));
    REQUIRE(page.has_value());
    REQUIRE(page->records.size() == 1);
    std::optional<UnixMillis> expected;
    if (row.millis) expected = at(*row.millis);
    CHECK(page->records[0].id == "a\"1e999\\");
    CHECK(page->records[0].started_at == expected);
    CHECK(page->records[0].ended_at == expected);
    CHECK_FALSE(page->records[0].open);
  }
}

TEST_CASE("build page: a row without a usable id is rejected and costs no other row") {
  struct Row {
    std::string row;
    std::optional<Rejection> rejection;
    std::string id;
  };
  const std::string status = R"("BuildStatus":"SUCCESS")";
  const Row rows[] = {
      {row_of(R"("x")", status), std::nullopt, "x"},
      {row_of("12345", status), std::nullopt, "12345"},
      {row_of("\"" + std::string(256, 'x') + "\"", status), std::nullopt, std::string(256, 'x')},
      {row_of(R"("ä")", status), std::nullopt, "ä"},
      {row_of("null", status), Rejection::id_missing, ""},
      {row_of(R"("")", status), Rejection::id_missing, ""},
      {"{" + status + "}", Rejection::id_missing, ""},
      {"null", Rejection::id_missing, ""},
      {"7", Rejection::id_missing, ""},
      {row_of("{}", status), Rejection::id_invalid, ""},
      {row_of("[1]", status), Rejection::id_invalid, ""},
      {row_of("true", status), Rejection::id_invalid, ""},
      {row_of("1.5", status), Rejection::id_invalid, ""},
      {row_of("\"" + std::string(257, 'x') + "\"", status), Rejection::id_invalid, ""},
      {row_of(R"("a\u0000b")", status), Rejection::id_invalid, ""},
      {row_of(R"("a\nb")", status), Rejection::id_invalid, ""},
      {row_of(R"("a\u007f")", status), Rejection::id_invalid, ""},
  };
  for (const Row& each : rows) {
    CAPTURE(each.row);
    const auto page = parse(page_of(row_of(R"("good")", status) + "," + each.row));
    REQUIRE(page.has_value());
    CHECK(page->rows == 2);
    if (each.rejection) {
      REQUIRE(page->rejected.size() == 1);
      CHECK(page->rejected[0] == *each.rejection);
      CHECK(page->records.size() == 1);
    } else {
      CHECK(page->rejected.empty());
      REQUIRE(page->records.size() == 2);
      CHECK(page->records[1].id == each.id);
    }
  }
}

TEST_CASE("build page: rows of another repository cost the whole page") {
  struct Row {
    const char* image;
    bool accepted;
  };
  const Row rows[] = {
      {R"({"RepoId":"crr-a","RepoName":"api","RepoNamespaceName":"shop"})", true},
      {R"({"RepoId":"crr-a"})", true},
      {R"({"RepoId":"","RepoName":null})", true},
      {"{}", true},
      {"null", true},
      {R"("")", true},
      {R"({"RepoId":"crr-b","RepoName":"api","RepoNamespaceName":"shop"})", false},
      {R"({"RepoId":"crr-a","RepoName":"web","RepoNamespaceName":"shop"})", false},
      {R"({"RepoName":"api","RepoNamespaceName":"store"})", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.image);
    const auto page = parse(
        page_of(row_of(R"("a")", R"("BuildStatus":"SUCCESS")") + "," +
                row_of(R"("b")", std::string(R"("BuildStatus":"SUCCESS","Image":)") + row.image)));
    CHECK(page.has_value() == row.accepted);
    if (!page) CHECK(page.error().detail.find("another repository") != std::string::npos);
  }
}

TEST_CASE("build page: what a status means, with an end and without") {
  struct Row {
    const char* status;  ///< As JSON.
    BuildState without_end;
    BuildState with_end;
    bool unknown;
  };
  const BuildState open{.open = true, .outcome = Outcome::other};
  const auto done = [](Outcome outcome) { return BuildState{.open = false, .outcome = outcome}; };
  const Row rows[] = {
      {R"("SUCCESS")", done(Outcome::success), done(Outcome::success), false},
      {R"("success")", done(Outcome::success), done(Outcome::success), false},
      {R"(" Success\t")", done(Outcome::success), done(Outcome::success), false},
      {R"("FAILED")", done(Outcome::failed), done(Outcome::failed), false},
      {R"("CANCELED")", done(Outcome::canceled), done(Outcome::canceled), false},
      {R"("Cancelled")", done(Outcome::canceled), done(Outcome::canceled), false},
      {R"("PENDING")", open, open, false},
      {R"("building")", open, open, false},
      {R"("TIMEOUT")", done(Outcome::failed), done(Outcome::failed), false},  // Configured.
      {R"("queued")", open, open, false},                                     // Configured.
      {R"("SKIPPED")", done(Outcome::other), done(Outcome::other), false},    // Configured.
      {R"("NEWLY")", open, done(Outcome::other), true},
      {R"("")", open, done(Outcome::other), true},
      {"null", open, done(Outcome::other), true},
      {"true", open, done(Outcome::other), true},
      {"[]", open, done(Outcome::other), true},
  };
  const BuildStatusMap statuses({{"TIMEOUT", config::StatusMeaning::failed},
                                 {"QUEUED", config::StatusMeaning::open},
                                 {"SKIPPED", config::StatusMeaning::other}});
  for (const Row& row : rows) {
    CAPTURE(row.status);
    const std::string status = std::string(R"("BuildStatus":)") + row.status;
    const auto page = parse(page_of(row_of(R"("a")", status) + "," +
                                    row_of(R"("b")", status + R"(,"EndTime":1767319705000)")),
                            {}, statuses);
    REQUIRE(page.has_value());
    REQUIRE(page->records.size() == 2);
    CHECK(page->records[0].open == row.without_end.open);
    CHECK(page->records[0].outcome == row.without_end.outcome);
    CHECK(page->records[1].open == row.with_end.open);
    CHECK(page->records[1].outcome == row.with_end.outcome);
    CHECK(page->unknown_statuses.size() == (row.unknown ? 2 : 0));
  }
}

TEST_CASE("build page: an unknown status is kept raw, in at most 64 bytes of whole characters") {
  std::string status = "x";
  for (int i = 0; i < 40; ++i) status += "\xC3\xA4";
  const auto page = parse(page_of(row_of(R"("a")", R"("BuildStatus":")" + status + "\"")));
  REQUIRE(page.has_value());
  REQUIRE(page->unknown_statuses.size() == 1);
  CHECK(page->unknown_statuses[0] == status.substr(0, 63));
}

TEST_CASE("build page: of an id that is there twice, the most final row stays") {
  const std::string open = row_of(R"("a")", R"("BuildStatus":"BUILDING")");
  const std::string endless = row_of(R"("a")", R"("BuildStatus":"SUCCESS")");
  const std::string ended = row_of(R"("a")", R"("BuildStatus":"SUCCESS","EndTime":1767319705000)");
  const std::string failed = row_of(R"("a")", R"("BuildStatus":"FAILED","EndTime":1767319705001)");
  struct Row {
    std::string first, second;
    bool is_open;
    std::optional<std::int64_t> end;
  };
  const Row rows[] = {
      {open, ended, false, kEnd},       {ended, open, false, kEnd},
      {endless, ended, false, kEnd},    {ended, endless, false, kEnd},
      {ended, failed, false, kEnd},     {failed, ended, false, kEnd + 1},
      {open, open, true, std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.first + row.second);
    const auto page = parse(page_of(row.first + "," + row.second));
    REQUIRE(page.has_value());
    CHECK(page->rows == 2);
    REQUIRE(page->records.size() == 1);
    CHECK(page->records[0].open == row.is_open);
    std::optional<UnixMillis> expected;
    if (row.end) expected = at(*row.end);
    CHECK(page->records[0].ended_at == expected);
  }
}

TEST_CASE("build record: an answer by id tells how one build stands") {
  struct Row {
    const char* fields;
    bool accepted;
    bool open;
    Outcome outcome;
    bool tells_nothing = false;
  };
  const Row rows[] = {
      {R"("BuildRecordId":"a","Status":"SUCCESS","EndTime":1767319705000)", true, false,
       Outcome::success},
      {R"("Status":"failed")", true, false, Outcome::failed},
      {R"("BuildStatus":"SUCCESS")", true, false, Outcome::success},
      {R"("Status":"BUILDING")", true, true, Outcome::other},
      {R"("Status":"NEWLY","EndTime":1767319705000)", true, false, Outcome::other},
      // The documented sample: no outcome can be read from it.
      {R"("Status":"true","EndTime":1767319705000)", true, false, Outcome::other, true},
      {R"("Status":true,"EndTime":"1767319705000")", true, false, Outcome::other, true},
      {R"("Status":"true")", true, true, Outcome::other, true},
      {R"("EndTime":1767319705000)", false, false, Outcome::other},
      {R"("BuildRecordId":"b","Status":"SUCCESS")", false, false, Outcome::other},
      {R"("Status":"SUCCESS","Image":{"RepoName":"web"})", false, false, Outcome::other},
      {R"("Status":"SUCCESS","Image":{"RepoName":"api","RepoNamespaceName":"shop"})", true, false,
       Outcome::success},
  };
  for (const Row& row : rows) {
    CAPTURE(row.fields);
    const auto record =
        parse_build_record(std::string("{\"StartTime\":1767319445000,") + row.fields + "}", kAsked,
                           "a", BuildStatusMap());
    REQUIRE(record.has_value() == row.accepted);
    if (!record) CHECK(record.error().kind == ErrorKind::malformed);
    if (!record) continue;
    CHECK(record->id == "a");
    CHECK(record->key == record_key("a"));
    CHECK(record->started_at == at(kStart));
    CHECK(record->open == row.open);
    CHECK(record->outcome == row.outcome);
    CHECK(record->tells_nothing == row.tells_nothing);
  }
}

TEST_CASE("repository page: usable rows are listed, others cost themselves alone") {
  const auto page = parse_repository_page(
      R"({"TotalCount":"6","PageSize":100,"Repositories":[
{"RepoId":"crr-a","RepoName":"api","RepoNamespaceName":"shop","RepoStatus":"NORMAL",
 "CreateTime":1700000000000,"ModifiedTime":"1700000100000"},
{"RepoId":"crr-b","RepoName":"web","RepoNamespaceName":"shop"},
{"RepoId":"crr-c","RepoName":"old","RepoNamespaceName":"shop","RepoStatus":"DELETED"},
{"RepoName":"x","RepoNamespaceName":"shop"},
{"RepoId":"crr-d","RepoName":"","RepoNamespaceName":"shop"},
null]})",
      {});
  REQUIRE(page.has_value());
  CHECK(page->rows == 6);
  CHECK(page->total == 6U);
  CHECK(page->page_size == 100);
  REQUIRE(page->repositories.size() == 2);
  CHECK(page->repositories[0].ref == RepositoryRef{"shop", "api", "crr-a"});
  CHECK(page->repositories[0].created_at == at(1'700'000'000'000));
  CHECK(page->repositories[0].modified_at == at(1'700'000'100'000));
  CHECK(page->repositories[1].ref == RepositoryRef{"shop", "web", "crr-b"});
  CHECK_FALSE(page->repositories[1].created_at.has_value());
  CHECK_FALSE(parse_repository_page(R"({"TotalCount":"6"})", {}).has_value());
}

TEST_CASE("namespace page: names are listed, whatever else is there") {
  const auto page = parse_namespace_page(
      R"({"TotalCount":3,"PageSize":"30","Namespaces":{"Namespace":[{"NamespaceName":"shop"},
{"NamespaceName":"pay","NamespaceStatus":"NORMAL"},{"NamespaceName":""}]}})",
      {});
  REQUIRE(page.has_value());
  CHECK(page->rows == 3);
  CHECK(page->total == 3U);
  CHECK(page->page_size == 30);
  CHECK(page->names == std::vector<std::string>{"shop", "pay"});
}

TEST_CASE("repository: a look-up by name tells the id of that name, or is malformed") {
  const RepositoryRef asked{"shop", "api", ""};
  const auto found = parse_repository(
      R"({"RepoId":"crr-9","RepoName":"api","RepoNamespaceName":"shop","CreateTime":1700000000000})",
      asked);
  REQUIRE(found.has_value());
  CHECK(found->ref == RepositoryRef{"shop", "api", "crr-9"});
  CHECK(found->created_at == at(1'700'000'000'000));
  for (const char* body :
       {R"({"RepoName":"api"})", R"({"RepoId":"","RepoName":"api"})",
        R"({"RepoId":"crr-9","RepoName":"web"})", R"({"RepoId":"crr\n9"})", "[]"}) {
    CAPTURE(body);
    const auto other = parse_repository(body, asked);
    REQUIRE_FALSE(other.has_value());
    CHECK(other.error().kind == ErrorKind::malformed);
  }
}

}  // namespace
}  // namespace registry_exporter::acr
