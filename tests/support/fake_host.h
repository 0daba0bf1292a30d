#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/files.h"
#include "exporter/cloud/credentials.h"

namespace registry_exporter {

/// A host whose files and variables are maps, and services that a test plays.
struct FakeHost {
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> problems;  ///< Of files that are there.
  std::map<std::string, std::string> variables;
  std::function<net::HttpResponse(const net::HttpRequest&)> answer = [](const net::HttpRequest&) {
    return net::HttpResponse{.status = 404, .headers = {}, .body = {}};
  };
  std::function<Result<Secret>(std::string_view command)> program = [](std::string_view) {
    return Result<Secret>(fail(ErrorKind::invalid_config, "no program"));
  };
  UnixMillis now{Millis{1'767'323'045'000}};  // 2026-01-02T03:04:05Z
  std::vector<net::HttpRequest> sent;         ///< To whatever service.
  std::vector<std::string> operations;        ///< Of `sent`.

  cloud::HostEnvironment host() {
    const auto variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
    const auto read = [this](const config::SecretSource& source) -> Result<Secret> {
      if (source.file.empty()) return source.value;
      const auto found = files.find(source.file);
      if (const auto problem = problems.find(source.file); problem != problems.end()) {
        return fail(ErrorKind::invalid_config, source.file + ": " + problem->second);
      }
      if (found == files.end()) {
        return fail(ErrorKind::invalid_config, ErrorCause::file_missing, source.file + ": no file");
      }
      return Secret(found->second);
    };
    return {variable, read};
  }

  cloud::KeyServices services() {
    return {[this](const net::ApiCall& call) -> Result<net::HttpResponse> {
              const Result<net::HttpRequest> request = call.prepare(now);
              if (!request) return tl::unexpected(request.error());
              const net::HttpResponse response = send(call.operation, *request);
              if (const auto refusal = call.classify(response)) {
                return tl::unexpected<Error>(refusal->error);
              }
              return response;
            },
            [this](std::string_view operation, const net::HttpRequest& request)
                -> Result<net::HttpResponse> { return send(operation, request); },
            [this](std::string_view command) { return program(command); }};
  }

  static std::string header_of(const net::HttpRequest& request, std::string_view name) {
    for (const auto& [header, value] : request.headers) {
      if (header == name) return value;
    }
    return {};
  }

 private:
  net::HttpResponse send(std::string_view operation, const net::HttpRequest& request) {
    sent.push_back(request);
    operations.emplace_back(operation);
    return answer(request);
  }
};

}  // namespace registry_exporter
