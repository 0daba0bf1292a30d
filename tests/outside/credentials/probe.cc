// Says which credentials a registry would use here, as JSON on one line:
//   credentials_probe CONFIG_FILE SERVER_ORIGIN
// The registry is the file's first; environment, HOME and files are the real ones. Every call goes
// to the server, whatever its host: that is sent along in the header `x-asked-for`.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "exporter/acr/credentials.h"
#include "exporter/cloud/signed_client.h"
#include "exporter/net/curl_transport.h"
#include "exporter/swr/credentials.h"
#include "exporter/swr/project.h"

namespace registry_exporter {
namespace {

class Rerouted final : public net::HttpTransport {
 public:
  explicit Rerouted(std::string server)
      : server_(std::move(server)), wire_(net::make_curl_transport(net::CurlOptions{})) {}
  Result<net::HttpResponse> send(const net::HttpRequest& request) override {
    net::HttpRequest moved = request;
    moved.headers.emplace_back("x-asked-for", request.origin);
    moved.origin = server_;
    moved.direct = true;
    return wire_->send(moved);
  }
  void abort() override { wire_->abort(); }

 private:
  const std::string server_;
  std::unique_ptr<net::HttpTransport> wire_;
};

struct NobodyListens final : CallObserver {
  void call_finished(std::string_view, std::string_view, std::string_view, Millis) override {}
};

nlohmann::json ask(const config::RegistryConfig& config, const std::string& server) {
  Runtime runtime = system_runtime();
  Rerouted transport(server);
  NobodyListens observer;
  cloud::SignedClient client(
      runtime, transport, observer, config, Millis{60'000},
      [&](const cloud::KeyServices& services) {
        return config.is_acr()
                   ? acr::credential_sources(config, services, cloud::this_host(), runtime)
                   : swr::credential_sources(config, services, cloud::this_host());
      });
  cloud::Credentials& credentials = client.credentials();
  const Result<cloud::Keys> keys = credentials.get();
  if (!keys) return {{"error", keys.error().detail}};
  nlohmann::json found = {{"access_key", keys->access_key},
                          {"secret_key", keys->secret_key.reveal()},
                          {"security_token", keys->security_token.reveal()},
                          {"iam_token", keys->iam_token.reveal()},
                          {"source", credentials.source()}};
  if (config.is_acr()) return found;
  swr::Project project(runtime, config, swr::iam_hosts(config, cloud::this_host()), client);
  const Result<std::string> id = project.get();
  if (!id) return {{"error", id.error().detail}};
  found["project_id"] = *id;
  return found;
}

}  // namespace
}  // namespace registry_exporter

int main(int argc, char** argv) {
  using namespace registry_exporter;
  if (argc != 3) {
    std::fprintf(stderr, "usage: credentials_probe CONFIG_FILE SERVER_ORIGIN\n");
    return 2;
  }
  const auto config = config::load_config(argv[1], [](const std::string&) { return true; });
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().front().message.c_str());
    return 1;
  }
  std::printf("%s\n", ask(config->registries.front(), argv[2]).dump().c_str());
}
