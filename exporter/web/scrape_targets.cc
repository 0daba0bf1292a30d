#include "exporter/web/scrape_targets.h"

#include <nlohmann/json.hpp>

#include "exporter/base/url.h"

namespace registry_exporter::web {
namespace {

using Json = nlohmann::ordered_json;

struct Address {
  std::string scheme;  ///< Empty: as the scrape configuration says.
  std::string host_and_port;
  std::string path;
};

Address address_of(const Site& site, std::string_view telemetry_path, std::string_view host) {
  const std::string telemetry(telemetry_path);
  if (!site.has_external_host()) return {"", std::string(host), site.prefix + telemetry};
  const Origin origin = parse_origin(*site.external);
  const std::string path = split_url(*site.external).target;
  return {origin.scheme, origin.host + ":" + std::string(origin.effective_port()),
          (path == "/" ? "" : path) + telemetry};
}

}  // namespace

std::string scrape_targets_json(const Site& site, std::string_view telemetry_path,
                                std::string_view host, std::span<const std::string> registries) {
  const Address address = address_of(site, telemetry_path, host);
  Json groups = Json::array();
  for (const std::string& registry : registries) {
    Json labels = {{"__metrics_path__", address.path},
                   {"__param_registry", registry},
                   {"instance", address.host_and_port + "/" + registry}};
    if (!address.scheme.empty()) labels["__scheme__"] = address.scheme;
    groups.push_back({{"targets", Json::array({address.host_and_port})}, {"labels", labels}});
  }
  return groups.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace registry_exporter::web
