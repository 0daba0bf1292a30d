#include "exporter/cloud/ini.h"

#include <doctest/doctest.h>

namespace registry_exporter {
namespace {

TEST_CASE("ini: what is not understood is passed over, and the last of two values wins") {
  const Ini ini = parse_ini(
      "\xEF\xBB\xBF# a comment\r\nstray = 1\n [ default ] \nak=A\r\n sk = a=b #c \n; no\n"
      "broken line\n=x\n[empty]\n[other]\nak = 1\nak = 2");
  CHECK(ini.at("default").at("ak") == "A");
  CHECK(ini.at("default").at("sk") == "a=b #c");
  CHECK(ini.at("default").size() == 2);
  CHECK(ini.at("other").at("ak") == "2");
  CHECK_FALSE(ini.contains("empty"));
  CHECK(parse_ini("").empty());
}

}  // namespace
}  // namespace registry_exporter
