#include "exporter/cloud/ini.h"

#include <doctest/doctest.h>

namespace registry_exporter::cloud {
namespace {

/// The value of `k` in [a]; "(none)" when there is none.
std::string value_of(const std::string& text) {
  const Ini ini = parse_ini(text);
  const auto section = ini.find("a");
  if (section == ini.end()) return "(no section)";
  const auto value = section->second.find("k");
  return value == section->second.end() ? "(none)" : value->second;
}

TEST_CASE("ini: what is not understood is passed over, and the last of two values wins") {
  const Ini ini = parse_ini(
      "# a comment\r\nstray = 1\n [ default ] \nak=A\r\n sk = a=b \n; no\n"
      "broken line\n=x\n[empty]\n[other]\nak = 1\nak = 2");
  CHECK(ini.at("default").at("ak") == "A");
  CHECK(ini.at("default").at("sk") == "a=b");
  CHECK(ini.at("default").size() == 2);
  CHECK(ini.at("other").at("ak") == "2");
  CHECK(ini.at("empty").empty());
  CHECK(parse_ini("").empty());
}

// Sources: go-ini/ini parser.go; Python's configparser, and the readers on top of it; npm's ini.
TEST_CASE("ini: lines as the clouds' own clients read them") {
  struct Row {
    const char* name;
    const char* text;
    const char* value;
  };
  const Row rows[] = {
      {"a comment after a section", "[a]   # Default credential\nk = v", "v"},
      {"another comment after a section", "[a];c\nk=v", "v"},
      {"a comment that names a section", "[a] # not [b]\nk=v", "v"},
      {"text after a section", "[a] text\nk=v", "v"},
      {"blanks in a section", "[\ta ]\nk=v", "v"},
      {"a comment after a value", "[a]\nk = v   # Type of credential", "v"},
      {"a comment after a value, by semicolon", "[a]\nk = v ; c", "v"},
      {"a comment without a blank", "[a]\nk=v#c", "v"},
      {"nothing but a comment", "[a]\nk = # c", ""},
      {"no value", "[a]\nk =", ""},
      {"double quotes", "[a]\nk = \"v w\"", "v w"},
      {"single quotes", "[a]\nk = 'v'", "v"},
      {"quotes, then a comment", "[a]\nk = \"v\"  # c", "v"},
      {"a comment's sign in quotes", "[a]\nk = \"v#w;x\" # c", "v#w;x"},
      {"a blank in quotes", "[a]\nk = \" v \"", " v "},
      {"empty quotes", "[a]\nk = \"\"", ""},
      {"a quote that is not closed", "[a]\nk = \"v", "\"v"},
      {"a quote in the middle", "[a]\nk = v\"w\"", "v\"w\""},
      {"text after the quotes", "[a]\nk = \"v\" w", "\"v\" w"},
      {"back quotes", "[a]\nk = `v # \"w\"`", "v # \"w\""},
      {"three quotes", "[a]\nk = \"\"\"v \"w\" # x\"\"\" # c", "v \"w\" # x"},
      {"three quotes over lines", "[a]\nk = \"\"\"v\nj=w\"\"\"\n", "v\nj=w"},
      {"back quotes that are never closed", "[a]\nk = `v\nj=w\n", "`v"},
      {"a colon", "[a]\nk: v", "v"},
      {"a colon in a value", "[a]\nk = acs:ram::1:role/r", "acs:ram::1:role/r"},
      {"an equals sign in a value", "[a]\nk: a=b=", "a=b="},
      {"a key in quotes", "[a]\n\"k\" = v", "v"},
      {"capitals in a key", "[a]\nK = v", "v"},
      {"blanks around", "[a]\n\t k\t=\t v\t", "v"},
      {"a byte order mark", "\xEF\xBB\xBF[a]\nk=v", "v"},
      {"lines of Windows", "[a]\r\nk = v\r\n", "v"},
      {"a line that goes on", "[a]\nk = v\\\n   w\nj=1", "vw"},
      {"a line that goes on twice", "[a]\r\nk = v\\\r\n w\\\r\n x\r\n", "vwx"},
      {"a backslash at the end", "[a]\nk = v\\", "v"},
      {"a backslash in the middle", "[a]\nk = v\\w", "v\\w"},
      {"a section twice", "[a]\nk=v\n[b]\nk=w\n[a]\nj=1", "v"},
      {"a key twice, in a section twice", "[a]\nk=v\n[a]\nk=w", "w"},
      {"a section that is not closed", "[a]\nk=v\n[b\nk=w", "v"},
      {"a section after one that is not closed", "[b\nk=w\n[a]\nk=v", "v"},
      {"capitals in a section", "[A]\nk=v", "(no section)"},
      {"a line without a key", "[a]\nk\n= v\n: w", "(none)"},
      {"no line end at the end", "[a]\nk=v", "v"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(value_of(row.text) == row.value);
  }
}

}  // namespace
}  // namespace registry_exporter::cloud
