#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>

#include "exporter/base/digest.h"
#include "exporter/base/duration.h"
#include "exporter/base/log.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/base/secret.h"
#include "exporter/base/time_text.h"
#include "exporter/model/record.h"
#include "tests/support/captured_stderr.h"

using namespace registry_exporter;

TEST_CASE("duration: reads what Prometheus reads, and nothing else") {
  struct Row {
    const char* text;
    std::optional<std::int64_t> millis;
  };
  const Row rows[] = {
      {"500ms", 500},
      {"15s", 15'000},
      {"10m", 600'000},
      {"1h", 3'600'000},
      {"30d", 2'592'000'000},
      {"1h30m", 5'400'000},
      {"0s", 0},
      {"0", 0},
      {"0.5s", 500},
      {"1w", 604'800'000},
      {"1y", 31'536'000'000},
      {"", {}},
      {"15", {}},
      {"-5s", {}},
      {"5 s", {}},
      {"s", {}},
      {"1m1h", {}},
      {"1s1s", {}},
      {"1..5s", {}},
      {".5s", {}},
      {"5.s", {}},
      {"200y", {}},
      {"1e3s", {}},
      {"1h0.5m3s", {}},
      {"nan", {}},
      {"99999999999999999999d", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto parsed = parse_duration(row.text);
    CHECK(parsed.has_value() == row.millis.has_value());
    if (parsed && row.millis) CHECK(parsed->count() == *row.millis);
  }
}

TEST_CASE("duration: what is written is read back") {
  for (const std::int64_t millis : {0L, 1L, 999L, 1000L, 61'001L, 5'400'000L, 2'592'000'000L}) {
    CHECK(parse_duration(format_duration(Millis{millis})) == Millis{millis});
  }
  CHECK(format_duration(Millis{5'400'000}) == "1h30m");
  CHECK(format_duration(Millis{604'800'000}) == "7d");
}

TEST_CASE("time: every spelling of RFC 3339 that the clouds use is read, nonsense is not") {
  struct Row {
    const char* text;
    std::optional<std::int64_t> millis;
  };
  constexpr std::int64_t kBase = 1'767'323'045'000;  // 2026-01-02T03:04:05Z
  const Row rows[] = {
      {"2026-01-02T03:04:05Z", kBase},
      {"2026-01-02T03:04:05", kBase},
      {"2026-01-02 03:04:05Z", kBase},
      {"2026-01-02T03:04:05.678Z", kBase + 678},
      {"2026-01-02T03:04:05.120394Z", kBase + 120},
      {"2026-01-02T03:04:05.999999999Z", kBase + 999},
      {"2026-01-02T11:04:05+08:00", kBase},
      {"2026-01-02T11:04:05+0800", kBase},
      {"2026-01-01T22:34:05-04:30", kBase},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000},
      {"2016-12-31T23:59:60Z", 1'483'228'800'000},
      {"9999-12-31T23:59:59.999Z", 253'402'300'799'999},
      {"9999-12-31T23:59:60Z", {}},
      {"9999-12-31T23:59:59-00:01", {}},
      {"0000-01-01T00:00:00Z", -62'167'219'200'000},
      {"0000-01-01T00:00:00+00:01", {}},
      {"2026-02-29T00:00:00Z", {}},
      {"2026-13-01T00:00:00Z", {}},
      {"2026-01-02T24:00:00Z", {}},
      {"2026-01-02T03:04:61Z", {}},
      {"2026-01-02T03:04:05.Z", {}},
      {"2026-01-02T03:04:05.1234567890Z", {}},
      {"2026-01-02T03:04:05ZZ", {}},
      {"2026-01-02T03:04:05+25:00", {}},
      {"2026-01-02", {}},
      {"", {}},
      {"null", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto parsed = parse_rfc3339(row.text);
    CHECK(parsed.has_value() == row.millis.has_value());
    if (parsed && row.millis) CHECK(parsed->time_since_epoch().count() == *row.millis);
  }
}

TEST_CASE("time: the signing and HTTP forms are exact") {
  const UnixMillis time{Millis{1'767'323'045'678}};
  CHECK(format_rfc3339(time) == "2026-01-02T03:04:05Z");
  CHECK(format_rfc3339_millis(time) == "2026-01-02T03:04:05.678Z");
  CHECK(format_basic(time) == "20260102T030405Z");
  CHECK(format_http_date(time) == "Fri, 02 Jan 2026 03:04:05 GMT");
  const UnixMillis second{Millis{1'767'323'045'000}};
  CHECK(parse_http_date("Fri, 02 Jan 2026 03:04:05 GMT") == second);
  CHECK(parse_http_date("Friday, 02-Jan-26 03:04:05 GMT") == second);
  CHECK(parse_http_date("Fri Jan  2 03:04:05 2026") == second);
  CHECK_FALSE(parse_http_date("Fri, 02 Jan 2026 03:04:05 GMT x"));
  CHECK_FALSE(parse_http_date("120"));
}

TEST_CASE("percent encoding: unreserved bytes stay, all others are upper-case hex") {
  CHECK(percent_encode("a b*~/'!(é") == "a%20b%2A~%2F%27%21%28%C3%A9");
  CHECK(percent_decode("a%20b+c", true) == "a b c");
  CHECK(percent_decode("a+b", false) == "a+b");
  CHECK_FALSE(percent_decode("a%2", false));
  CHECK_FALSE(percent_decode("a%zz", false));
  const auto pairs = parse_query("a=1&b=&&c&d=x%26y");
  REQUIRE(pairs);
  CHECK(*pairs == QueryPairs{{"a", "1"}, {"b", ""}, {"c", ""}, {"d", "x&y"}});
}

TEST_CASE("digest: known answers") {
  CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(hmac_sha256("key", "The quick brown fox jumps over the lazy dog")) ==
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
  CHECK(base64(hmac_sha1("key", "The quick brown fox jumps over the lazy dog")) ==
        "3nybhbi3iqa8ino29wqQcBydtNk=");
  CHECK(base64("ab") == "YWI=");
  CHECK(equal_constant_time("abc", "abc"));
  CHECK_FALSE(equal_constant_time("abc", "abd"));
}

TEST_CASE("record key: decimal ids are themselves, texts are hashed apart from them") {
  CHECK(record_key("51234") == 51234);
  CHECK(record_key("0") == 0);
  CHECK(record_key("051234") != 51234);
  CHECK((record_key("1234567890123456789") >> 63) == 1);
  CHECK(record_key("11111111-1111-4111-8111-111111111111") !=
        record_key("11111111-1111-4111-8111-111111111112"));
}

namespace {

template <class Text>
constexpr bool can_be_shown = requires(std::ostream& out, const Text& text) {
  out << text;
};

}  // namespace

TEST_CASE("secret: no stream takes one, and no text is made of it by accident") {
  CHECK(can_be_shown<std::string>);
  CHECK_FALSE(can_be_shown<Secret>);
  CHECK_FALSE(std::is_convertible_v<Secret, std::string>);
  CHECK_FALSE(std::is_convertible_v<Secret, std::string_view>);
  CHECK_FALSE(std::is_convertible_v<std::string, Secret>);
}

TEST_CASE("log: whatever a value holds, it stays one line of plain text and one value") {
  const std::string hostile = "a\nlevel=error msg=\"forged\"\r\x1b[31m\x7f\xff\\";
  for (const log::Format format : {log::Format::logfmt, log::Format::json}) {
    log::configure(log::Level::info, format);
    const std::string line = stderr_of([&] {
      log::warn("read", {{"repository", hostile}, {"last", "x=y"}});
    });
    CAPTURE(line);
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(line.ends_with('\n'));
    CHECK(std::all_of(line.begin(), line.end() - 1, [](char c) { return c >= ' ' && c < 0x7f; }));
    const bool json = format == log::Format::json;
    const std::string escaped = R"("a\nlevel=error msg=\"forged\"\u000d\u001b[31m\u007f\u00ff\\")";
    CHECK(line.find((json ? R"("repository":)" : "repository=") + escaped) != std::string::npos);
    CHECK(line.find(json ? R"("last":"x=y")" : R"(last="x=y")") != std::string::npos);
  }
  CHECK(stderr_of([] { log::debug("read", {{"repository", "x"}}); }).empty());
  log::configure(log::Level::info, log::Format::logfmt);
}
