#include "exporter/web/site.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::web;

namespace {

using Text = std::optional<std::string>;

}  // namespace

TEST_CASE("site: the prefix is the external URL's path unless it is given") {
  struct Row {
    Text url;
    Text prefix;
    Site site;
  };
  const Row rows[] = {
      {{}, {}, {"", {}}},
      {"http://example.com", {}, {"", "http://example.com"}},
      {"http://example.com/", {}, {"", "http://example.com"}},
      {"https://example.com:8443/a/b", {}, {"/a/b", "https://example.com:8443/a/b"}},
      {"https://example.com/a//", {}, {"/a", "https://example.com/a"}},
      {"HTTPS://[::1]:1/a", {}, {"/a", "HTTPS://[::1]:1/a"}},
      {"/a", {}, {"/a", "/a"}},
      {"/a/b/", {}, {"/a/b", "/a/b"}},
      {"/", {}, {"", ""}},
      {{}, "/", {"", {}}},
      {{}, "a", {"/a", {}}},
      {{}, "//a/b//", {"/a/b", {}}},
      {"https://example.com/a", "/", {"", "https://example.com/a"}},
      {"https://example.com/a", "b", {"/b", "https://example.com/a"}},
      {"/", "/b", {"/b", ""}},
      {"", "", {"", {}}},  // As Prometheus has it: empty is not given.
      {"https://example.com/a", "", {"/a", "https://example.com/a"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url.value_or("none"));
    CAPTURE(row.prefix.value_or("none"));
    const auto site = make_site(row.url, row.prefix);
    REQUIRE(site);
    CHECK(site->prefix == row.site.prefix);
    CHECK(site->external == row.site.external);
  }
}

TEST_CASE("site: what is no URL or path is refused with the flag, and never quoted") {
  for (const char* const url : {"example.com",
                                "example.com/CANARY",
                                "ftp://example.com/",
                                "http://",
                                "http:///a",
                                "https://user:CANARY@example.com/",
                                "http://a b/",
                                "http://a:99999/",
                                "http://a:0/",
                                "http://::1/",
                                "\"http://example.com/\"",
                                "'http://example.com/'",
                                "http://a?x=CANARY",
                                "http://a/?x=CANARY",
                                "http://a/#x",
                                "http://a/%41",
                                "/a b",
                                "/a?b",
                                "//evil/a",
                                "/a//b",
                                "/a/../b",
                                "/.",
                                "/\"a",
                                "/<a>"}) {
    CAPTURE(url);
    const auto site = make_site(url, {});
    REQUIRE_FALSE(site);
    CHECK(site.error().kind == ErrorKind::invalid_config);
    CHECK(site.error().detail.starts_with("--web.external-url: "));
    CHECK(site.error().detail.find("CANARY") == std::string::npos);
  }
  for (const char* const prefix : {"/a b", "a?b", "/%41", "a//b", "/a/..", "http://example.com/"}) {
    CAPTURE(prefix);
    const auto site = make_site({}, prefix);
    REQUIRE_FALSE(site);
    CHECK(site.error().detail.starts_with("--web.route-prefix: must be a plain path"));
  }
}

TEST_CASE("site: a path is inside if its first segments are the prefix") {
  const Site root;
  CHECK(root.path_inside("/") == "/");
  CHECK(root.path_inside("/a") == "/a");
  CHECK(root.path_inside("*") == std::nullopt);
  const Site site{"/a/b", {}};
  CHECK(site.path_inside("/a/b/") == "/");
  CHECK(site.path_inside("/a/b/metrics") == "/metrics");
  CHECK(site.path_inside("/a/b//metrics") == "//metrics");
  for (const char* const outside :
       {"/", "/a", "/a/b", "/a/bc", "/a/bmetrics", "/metrics", "/A/b/"}) {
    CAPTURE(outside);
    CHECK(site.path_inside(outside) == std::nullopt);
  }
}

TEST_CASE("site: links are relative unless there is an external URL") {
  const Site inside{"/a", {}};
  CHECK(inside.home() == "/a/");
  CHECK(inside.links() == "./");
  const Site outside{"/a", "https://example.com/b"};
  CHECK(outside.home() == "https://example.com/b/");
  CHECK(outside.links() == "https://example.com/b/");
}
