#include "exporter/web/scrape_targets.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace registry_exporter;
using namespace registry_exporter::web;

namespace {

nlohmann::json targets(const Site& site, const std::vector<std::string>& registries) {
  return nlohmann::json::parse(scrape_targets_json(site, "/metrics", "exporter:10067", registries));
}

}  // namespace

TEST_CASE("scrape_targets: one group for each registry, at the address of the request") {
  const auto groups = targets({}, {"acr-prod", "swr \"1\""});
  const auto expected = nlohmann::json::parse(R"([
    {"targets": ["exporter:10067"],
     "labels": {"__metrics_path__": "/metrics", "__param_registry": "acr-prod",
                "instance": "exporter:10067/acr-prod"}},
    {"targets": ["exporter:10067"],
     "labels": {"__metrics_path__": "/metrics", "__param_registry": "swr \"1\"",
                "instance": "exporter:10067/swr \"1\""}}])");
  CHECK(groups == expected);
  CHECK(targets({}, {}) == nlohmann::json::array());
}

TEST_CASE("scrape_targets: address, path and scheme are the external URL's where it has them") {
  struct Row {
    Site site;
    const char* address;
    const char* path;
    const char* scheme;
  };
  const Row rows[] = {
      {{"/in", {}}, "exporter:10067", "/in/metrics", ""},
      {{"/in", "/out"}, "exporter:10067", "/in/metrics", ""},
      {{"/in", "https://e.example/out/a"}, "e.example:443", "/out/a/metrics", "https"},
      {{"/in", "http://e.example"}, "e.example:80", "/metrics", "http"},
      {{"", "HTTPS://[::1]:8443/out"}, "[::1]:8443", "/out/metrics", "https"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.site.external.value_or("none"));
    const auto group = targets(row.site, {"r"}).at(0);
    CHECK(group["targets"] == nlohmann::json::array({row.address}));
    CHECK(group["labels"]["__metrics_path__"] == row.path);
    CHECK(group["labels"].value("__scheme__", "") == row.scheme);
  }
}
