#include "exporter/base/text.h"

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
#include "exporter/base/hash.h"
#include "exporter/base/log.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/base/secret.h"
#include "exporter/base/time_text.h"
#include "exporter/base/url.h"
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

TEST_CASE("url: the Host header leaves out the scheme's own port and no other") {
  struct Row {
    const char* origin;
    const char* host;
  };
  const Row rows[] = {
      {"https://cr.cn-hangzhou.aliyuncs.com", "cr.cn-hangzhou.aliyuncs.com"},
      {"https://example.com:443", "example.com"},
      {"https://example.com:80", "example.com:80"},
      {"http://example.com:80", "example.com"},
      {"http://example.com:443", "example.com:443"},
      {"http://127.0.0.1:10068", "127.0.0.1:10068"},
      {"http://[::1]:80", "[::1]"},
      {"http://[::1]:8080", "[::1]:8080"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.origin);
    CHECK(parse_origin(row.origin).host_header() == row.host);
  }
}

TEST_CASE("url: an origin is taken apart, whatever follows it") {
  const Origin plain = parse_origin("HTTPS://Example.com:8443/path?query");
  CHECK(plain.scheme == "https");
  CHECK(plain.host == "Example.com");
  CHECK(plain.port == "8443");
  CHECK(parse_origin("https://[::1]").host == "[::1]");
  CHECK(parse_origin("https://[::1]").port.empty());
  CHECK(parse_origin("https://a").effective_port() == "443");
  CHECK(parse_origin("http://a").effective_port() == "80");
  CHECK(parse_origin("a:7").scheme.empty());
}

TEST_CASE("url: the target of a request begins with a slash and has no fragment") {
  struct Row {
    const char* url;
    const char* origin;
    const char* target;
  };
  for (const Row& row :
       {Row{"http://a:1", "http://a:1", "/"}, Row{"http://a/b?c=d#e", "http://a", "/b?c=d"},
        Row{"http://a?c", "http://a", "/?c"}, Row{"http://a#e", "http://a", "/"}}) {
    CAPTURE(row.url);
    const SplitUrl split = split_url(row.url);
    CHECK(split.origin == row.origin);
    CHECK(split.target == row.target);
  }
}

TEST_CASE("text: case and blanks are those of ASCII") {
  CHECK(lower("AbZ[\xc4") == "abz[\xc4");
  CHECK(upper("aBz{\xe4") == "ABZ{\xe4");
  CHECK(trim(" \t\r\n\v\fa b\n") == "a b");
  CHECK(trim(" \ta ", " ") == "\ta");
  CHECK(trim("  ").empty());
  CHECK(contains("abc", "bc"));
  CHECK_FALSE(contains("abc", "BC"));
  CHECK(contains_ignoring_case("aBc", "Bc"));
  CHECK(contains_ignoring_case("", ""));
  CHECK(starts_with_ignoring_case("HTTP://x", "http://"));
  CHECK_FALSE(starts_with_ignoring_case("htt", "http"));
}

TEST_CASE("text: UTF-8 is what RFC 3629 says, and is cut between characters") {
  for (const char* good :
       {"a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
    CHECK(utf8_length(good) == std::string_view(good).size());
  }
  for (const char* bad : {"\x80", "\xc1\x80", "\xc2",
                          "\xc2"
                          "a",
                          "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\x80\x80", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xff"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
    CHECK(utf8_length(bad) == 0);
  }
  CHECK(cut_utf8("ab\xc3\xa4", 4) == "ab\xc3\xa4");
  CHECK(cut_utf8("ab\xc3\xa4", 3) == "ab");
  CHECK(cut_utf8("\xc3\xa4", 0).empty());
}

TEST_CASE("hash: FNV-1a, known answers") {
  CHECK(fnv1a("") == 0xcbf29ce484222325U);
  CHECK(fnv1a("a") == 0xaf63dc4c8601ec8cU);
  CHECK(fnv1a("foobar") == 0x85944171f73967e8U);
  CHECK(fnv1a("bar", fnv1a("foo")) == fnv1a("foobar"));
}

TEST_CASE("base64: what is written is read back, nonsense is not") {
  for (const char* text : {"", "a", "ab", "abc", "\xff\x00z"}) {
    CHECK(decode_base64(base64(text)) == std::optional<std::string>(text));
  }
  CHECK_FALSE(decode_base64("YQ"));
  CHECK_FALSE(decode_base64("Y!=="));
}
