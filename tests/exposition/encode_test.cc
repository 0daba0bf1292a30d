#include "exporter/exposition/encode.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/exposition/parsed_exposition.h"
#include "tests/exposition/sample_snapshot.h"

using namespace registry_exporter;
using namespace registry_exporter::exposition;

namespace {

template <class Number>
std::string number(Number value) {
  std::string out;
  append_number(out, value);
  return out;
}

}  // namespace

TEST_CASE("encode: a double is written in its shortest form, whole ones without a point") {
  struct Row {
    double value;
    const char* text;
  };
  const Row rows[] = {
      {0, "0"},
      {-0.0, "0"},
      {1, "1"},
      {-17, "-17"},
      {0.1, "0.1"},
      {99873.797, "99873.797"},
      {2.0 / 3, "0.6666666666666666"},
      {1732500000.125, "1732500000.125"},
      {999999999999999, "999999999999999"},
      {1e15, "1e+15"},
      {1e300, "1e+300"},
      {1e-9, "1e-09"},
      {std::numeric_limits<double>::infinity(), "+Inf"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::nan(""), "NaN"},
  };
  for (const Row& row : rows) CHECK(number(row.value) == row.text);
}

TEST_CASE("encode: every number is read back as it was") {
  std::uint64_t dice = 1;
  for (int i = 0; i < 20'000; ++i) {
    dice = dice * 6364136223846793005U + 1442695040888963407U;
    const double value =
        static_cast<double>(static_cast<std::int64_t>(dice)) * std::pow(2, -i % 80);
    REQUIRE(std::stod(number(value)) == value);
    const auto millis = static_cast<std::int64_t>(dice >> (14 + i % 40));
    REQUIRE(std::stod(number(Thousandths{millis})) == static_cast<double>(millis) / 1000);
  }
  CHECK(number(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
}

TEST_CASE("encode: milliseconds are seconds without needless digits") {
  struct Row {
    std::int64_t milliseconds;
    const char* text;
  };
  const Row rows[] = {
      {0, "0"},       {1, "0.001"},      {10, "0.01"},
      {500, "0.5"},   {1000, "1"},       {1'732'500'000'123, "1732500000.123"},
      {-1, "-0.001"}, {-2500, "-2.5"},   {-1000, "-1"},
      {60'000, "60"}, {61'020, "61.02"},
  };
  for (const Row& row : rows) CHECK(number(Thousandths{row.milliseconds}) == row.text);
}

TEST_CASE("encode: a bound always has a point") {
  CHECK(bucket_bound(60) == "60.0");
  CHECK(bucket_bound(0.5) == "0.5");
  CHECK(bucket_bound(7200) == "7200.0");
  CHECK(bucket_bound(1e22) == "1e+22");
  CHECK(bucket_bound(std::numeric_limits<double>::infinity()) == "+Inf");
}

TEST_CASE("encode: label values are escaped, and valid UTF-8 stays as it is") {
  struct Row {
    const char* name;
    std::string value;
    const char* text;
  };
  const Row rows[] = {
      {"plain", "team-a", R"(l="team-a")"},
      {"empty", "", R"(l="")"},
      {"quote, backslash, line feed", "a\"b\\c\nd", R"(l="a\"b\\c\nd")"},
      {"Chinese and an emoji", "仓库😀", "l=\"仓库😀\""},
      {"braces and commas mean nothing", "},x=\"", R"(l="},x=\"")"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(written({{"l", row.value}}, ExpositionFormat::text) == row.text);
  }
}

TEST_CASE("encode: bytes that are no UTF-8 become valid, and different names stay different") {
  const std::string invalid[] = {
      "\xff",
      "\xfe",
      "a\x80",
      "a\x81",
      "\xc0\xaf",
      "\xe0\x80\xaf",
      "\xed\xa0\x80",
      "\xf4\x90\x80\x80",
      "\xf8\x88\x80\x80\x80",
      "\xe4\xbb",
      "\xe4\xbb\"",
      "\xc3",
      "\xc3(",
  };
  std::set<std::string> valid;
  for (const std::string& text : invalid) {
    CAPTURE(text);
    const std::string line =
        "# TYPE x gauge\nx{" + written({{"l", text}}, ExpositionFormat::text) + "} 1\n";
    const auto families = sample::parse_exposition(line, false);  // Throws if it isn't valid.
    const std::string value = families.at(0).samples.at(0).labels.at("l");
    CHECK(value.find("\xef\xbf\xbd") != std::string::npos);
    CHECK(valid_utf8(value) == value);
    CHECK(valid.insert(value).second);
  }
}

TEST_CASE("encode: HELP is escaped by the rules of each format, and counters lose _total there") {
  const Family family{"acr_builds_total", FamilyType::counter, FamilyScope::process, "status",
                      "a \"b\" c\\d\ne"};
  CHECK(head(family, ExpositionFormat::text) ==
        "# HELP acr_builds_total a \"b\" c\\\\d\\ne\n# TYPE acr_builds_total counter\n");
  CHECK(head(family, ExpositionFormat::openmetrics) ==
        "# HELP acr_builds a \\\"b\\\" c\\\\d\\ne\n# TYPE acr_builds counter\n");
  const Family cpu{"process_cpu_seconds_total", FamilyType::counter, FamilyScope::process, "", "x"};
  CHECK(head(cpu, ExpositionFormat::openmetrics) ==
        "# HELP process_cpu_seconds x\n# TYPE process_cpu_seconds counter\n"
        "# UNIT process_cpu_seconds seconds\n");
}

TEST_CASE("encode: an exemplar is left out above 128 characters, the label's name among them") {
  using sample::at_ms;
  CHECK(exemplar_text({"b-1", 61.5, at_ms(1'732'500'000'250)}) ==
        " # {build_record_id=\"b-1\"} 61.5 1732500000.25");
  const std::size_t most = 128 - std::string("build_record_id").size();
  CHECK(exemplar_text({std::string(most, 'x'), 1, at_ms(1)}) != "");
  CHECK(exemplar_text({std::string(most + 1, 'x'), 1, at_ms(1)}) == "");
  std::string wide;
  for (std::size_t i = 0; i < most; ++i) wide += "仓";  // Characters count, not bytes.
  CHECK(exemplar_text({wide, 1, at_ms(1)}) != "");
  CHECK(exemplar_text({wide + "x", 1, at_ms(1)}) == "");
  CHECK(exemplar_text({"a\"\n", 1, at_ms(0)}) == " # {build_record_id=\"a\\\"\\n\"} 1 0");
}
