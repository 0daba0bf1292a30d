#include "exporter/config/endpoint.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

#include "exporter/base/text.h"
#include "exporter/base/url.h"

namespace registry_exporter::config {
namespace {

constexpr int kPortMost = 65'535;

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_host(std::string_view host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
    return std::all_of(host.begin(), host.end(), [](char c) {
      return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':' || c == '.';
    });
  }
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
  });
}

bool is_port(std::string_view text) {
  int port = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, port);
  return error == std::errc{} && end == last && port >= 1 && port <= kPortMost;
}

/// Huawei's regions in Europe that have a domain of their own.
bool is_european(const std::string& region) { return region.starts_with("eu-west-1"); }

std::string huawei_host(const std::string& service, const std::string& region) {
  const char* const domain = is_european(region) ? ".myhuaweicloud.eu" : ".myhuaweicloud.com";
  return "https://" + service + "." + region + domain;
}

}  // namespace

tl::expected<std::string, std::string> read_endpoint(const std::string& text) {
  const std::string_view endpoint = trim(text);
  const std::size_t colon = endpoint.find("://");
  const std::string scheme = lower(endpoint.substr(0, colon == std::string::npos ? 0 : colon));
  if (scheme != "http" && scheme != "https") {
    return tl::unexpected<std::string>(" must begin with https:// (or http://)");
  }
  std::string_view rest = endpoint.substr(colon + 3);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || rest.find_first_of("/?#@ \t\r\n") != std::string_view::npos) {
    return tl::unexpected<std::string>(
        " must be https://host or https://host:port, without a path or a user");
  }
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : 0;
  const std::size_t port = rest.find(':', std::min(bracket, rest.size()));
  if (!is_host(rest.substr(0, port))) {
    return tl::unexpected<std::string>(" must have a host's name or address after ://");
  }
  if (port != std::string_view::npos && !is_port(rest.substr(port + 1))) {
    return tl::unexpected<std::string>(" must have a port from 1 to 65535, or none");
  }
  return scheme + "://" + std::string(rest);
}

tl::expected<std::string, std::string> read_client_endpoint(const std::string& text) {
  return read_endpoint(has_scheme(text) ? text : "https://" + std::string(trim(text)));
}

std::string acr_endpoint(const std::string& region, bool vpc) {
  return (vpc ? "https://cr-vpc." : "https://cr.") + region + ".aliyuncs.com";
}

std::string swr_endpoint(const std::string& region) { return huawei_host("swr-api", region); }

std::string iam_endpoint(const std::string& region) { return huawei_host("iam", region); }

std::string global_iam_endpoint(const std::string& region) {
  return is_european(region) ? "" : "https://iam.myhuaweicloud.com";
}

std::string swr_sts_endpoint(const std::string& region) { return huawei_host("sts", region); }

}  // namespace registry_exporter::config
