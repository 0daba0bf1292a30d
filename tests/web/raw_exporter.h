#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "exporter/base/runtime.h"
#include "exporter/web/routes.h"
#include "exporter/web/server.h"
#include "exporter/web/task_threads.h"
#include "tests/web/raw_client.h"

/// The real server and the real routes, for tests of what bytes from a socket get for an answer.
namespace registry_exporter::testing {

/// The least that the pages need of the program.
struct Services final : web::WebServices {
  web::TaskThreads tasks{system_runtime().threads, 8};

  bool registry_exists(const std::string& name) const override { return name == "acr-prod"; }
  ScrapeResponse scrape(const ScrapeRequest&) override {
    return {.chunks = {std::make_shared<const std::string>("up 1\n")}, .when_done = nullptr};
  }
  RepositoryOverview repositories() const override { return {}; }
  std::vector<std::string> refused_configurations() const override { return {}; }
  bool ready() const override { return true; }
  Millis scrape_timeout() const override { return Millis{10'000}; }
  std::optional<std::string> reload() override { return std::nullopt; }
  bool run_task(std::function<void()> task) override { return tasks.run(std::move(task)); }
};

struct Exporter {
  Services services;
  web::Routes routes{{.enable_lifecycle = true}, services};
  std::unique_ptr<web::Server> server = web::make_server(
      {.listen_addresses = {"127.0.0.1:0"}},
      [this](web::WebRequest request, web::Routes::Reply reply) { routes.handle(request, reply); });
  std::string address;

  Exporter() {
    REQUIRE(server->start());
    address = server->addresses().at(0);
  }
  ~Exporter() {
    server->stop(Millis{0});
    services.tasks.stop();
  }
};

struct Row {
  const char* name;
  std::string bytes;
  /// Codes in order; 'h': without a body; a last 'x': then the server closes.
  const char* responses;
};

/// Checks one conversation; a row without 'x' must leave the connection usable.
inline void check(const Exporter& exporter, const Row& row) {
  CAPTURE(row.name);
  RawClient client(exporter.address);
  REQUIRE(client.connected());
  client.send(row.bytes);  // May be cut short by a refusal.
  std::istringstream words(row.responses);
  bool closes = false;
  for (std::string word; words >> word;) {
    if (word == "x") {
      closes = true;
      continue;
    }
    const bool head_only = word.ends_with('h');
    const auto response = client.receive(head_only);
    CHECK(response.status == std::stoi(word));
    CHECK(response.head.find("\r\nDate: ") != std::string::npos);
    CHECK(response.head.find("\r\nContent-Length: ") != std::string::npos);
    CHECK(response.head.find("\r\nX-Content-Type-Options: nosniff\r\n") != std::string::npos);
  }
  if (closes) {
    CHECK(client.closed_by_server());
  } else {
    client.send("GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.receive().body == "healthy\n");
  }
  CHECK(get(exporter.address, "/-/healthy").status == 200);
}

/// A whole request with these header lines (each ending in CRLF).
inline std::string request(const std::string& line, const std::string& headers = "") {
  return line + "\r\nHost: x\r\n" + headers + "\r\n";
}
inline std::string metrics(const std::string& headers) {
  return request("GET /metrics HTTP/1.1", headers);
}

}  // namespace registry_exporter::testing
