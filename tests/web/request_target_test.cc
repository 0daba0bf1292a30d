#include "exporter/web/request_target.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::web;

TEST_CASE("request_target: paths are decoded once and never normalised") {
  struct Row {
    const char* raw;
    const char* path;  ///< nullptr: refused.
  };
  const Row rows[] = {
      {"/", "/"},
      {"/metrics", "/metrics"},
      {"/metrics?registry=a", "/metrics"},
      {"/%6Detrics", "/metrics"},
      {"/%256D", "/%6D"},
      {"/../etc/passwd", "/../etc/passwd"},
      {"/%2e%2e/x", "/../x"},
      {"//metrics", "//metrics"},
      {"/a+b", "/a+b"},
      {"/metrics?", "/metrics"},
      {"http://host:1/metrics?x=1", "/metrics"},
      {"HTTPS://host/metrics", "/metrics"},
      {"http://host", "/"},
      {"http://host?x=1", "/"},
      {"*", "*"},
      {"", nullptr},
      {"metrics", nullptr},
      {"host:443", nullptr},
      {"http:///metrics", nullptr},
      {"http:/metrics", nullptr},
      {"ftp://host/metrics", nullptr},
      {"/%", nullptr},
      {"/%4", nullptr},
      {"/%zz", nullptr},
      {"/%00", nullptr},
      {"/metrics%0a", nullptr},
      {"/metrics%7f", nullptr},
      {"/metrics#part", nullptr},
      {"/metrics?x=%", nullptr},
      {"**", nullptr},
  };
  for (const Row& row : rows) {
    CAPTURE(row.raw);
    const std::optional<RequestTarget> target = parse_request_target(row.raw);
    CHECK(target.has_value() == (row.path != nullptr));
    if (target && row.path != nullptr) CHECK(target->path == row.path);
  }
}

TEST_CASE("request_target: query pairs come decoded and in order") {
  const auto target = parse_request_target("/metrics?registry=a%20b&registry=c+d&other&registry=");
  REQUIRE(target);
  const QueryPairs expected{
      {"registry", "a b"}, {"registry", "c d"}, {"other", ""}, {"registry", ""}};
  CHECK(target->query == expected);
}
