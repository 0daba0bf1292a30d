#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "exporter/net/http_transport.h"

namespace registry_exporter {

/// Keeps what is sent, and answers in turn what a test lined up, the last answer for ever; or, if
/// a test gives a rule, by that. For tests of one thread.
class ScriptedTransport final : public net::HttpTransport {
 public:
  using Rule = std::function<Result<net::HttpResponse>(const std::string& target)>;

  std::vector<net::HttpRequest> sent;
  std::vector<Result<net::HttpResponse>> answers;  ///< To clear `sent` begins anew with the first.
  Rule rule;                                       ///< Instead of `answers`.
  std::function<void()> meanwhile = [] {};         ///< What happens while a call is under way.

  Result<net::HttpResponse> send(const net::HttpRequest& request) override {
    meanwhile();
    const std::size_t before = sent.size();
    sent.push_back(request);
    if (rule) return rule(request.target);
    return answers.at(std::min(before, answers.size() - 1));
  }
  void abort() override {}
};

}  // namespace registry_exporter
