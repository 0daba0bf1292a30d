#include "exporter/web/html.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <type_traits>

using namespace registry_exporter;
using namespace registry_exporter::web;

TEST_CASE("pages: escaping leaves no markup, no control character and no broken UTF-8") {
  struct Row {
    std::string text;
    const char* escaped;
  };
  const Row rows[] = {
      {"plain", "plain"},
      {"<a href=\"x\">&'", "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"},
      {"名前", "名前"},
      {std::string("a\0b", 3),
       "a\xEF\xBF\xBD"
       "b"},
      {"\x1b[31m", "\xEF\xBF\xBD[31m"},
      {"\xff<", "\xEF\xBF\xBD&lt;"},
      {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xE4\xB8", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(escape(row.text).text() == row.escaped);
  }
}

TEST_CASE("pages: nothing but literals and escaped text becomes HTML") {
  CHECK(std::is_convertible_v<const char(&)[4], Html>);
  CHECK_FALSE(std::is_constructible_v<Html, char(&)[4]>);
  CHECK_FALSE(std::is_constructible_v<Html, const char*>);
  CHECK_FALSE(std::is_constructible_v<Html, std::string>);
  CHECK_FALSE(std::is_constructible_v<Html, std::string_view>);
  CHECK(("<b>" + escape("<i>") + "</b>").text() == "<b>&lt;i&gt;</b>");
  CHECK(isolated("a&b").text() == "<bdi>a&amp;b</bdi>");
}

TEST_CASE("html: numbers and times as people read them") {
  CHECK(html_number(0).text() == "0");
  CHECK(html_number(999).text() == "999");
  CHECK(html_number(1000).text() == "1,000");
  CHECK(html_number(1234567).text() == "1,234,567");
  CHECK(in_one_unit(Millis{0}) == "0 s");
  CHECK(in_one_unit(Millis{-5000}) == "0 s");
  CHECK(in_one_unit(Millis{119'999}) == "119 s");
  CHECK(in_one_unit(Millis{120'000}) == "2 min");
  CHECK(in_one_unit(Millis{2 * 3'600'000}) == "2 h");
  CHECK(in_one_unit(Millis{49 * 3'600'000}) == "2 d");
}
