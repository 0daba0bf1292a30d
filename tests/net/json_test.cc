#include "exporter/net/json.h"

#include <doctest/doctest.h>

using namespace registry_exporter;

TEST_CASE("json: a text that no client could tell apart is refused") {
  for (const char* body :
       {R"({"a":"\udc00"})", R"({"\udc00":1})", R"({"a":["\ud800"]})", R"({"a":1,"a":2})",
        R"({"a":{"b":1,"c":2,"b":3}})", R"({"\u0061":1,"a":2})"}) {
    CAPTURE(body);
    CHECK(!net::json::parse(body));
  }
  for (const char* body :
       {R"({"a":"\ud83d\ude00"})", R"({"a":"\\udc00"})", R"({"\u0061":1,"b":2})"}) {
    CAPTURE(body);
    CHECK(net::json::parse(body));
  }
}
