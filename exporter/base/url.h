#pragma once

#include <string>
#include <string_view>

/// The parts of http and https URLs. They check nothing: see config/endpoint.h. Pure.
namespace registry_exporter {

/// "scheme://host[:port]".
struct Origin {
  std::string scheme;  ///< Lower case; empty where it is left out.
  std::string host;    ///< As written; an IPv6 address with its brackets.
  std::string port;    ///< Empty where it is left out.

  bool is_secure() const { return scheme == "https"; }
  /// As written, or that of the scheme.
  std::string_view effective_port() const;
  /// "host[:port]" as in the header `Host`: without the scheme's own port.
  std::string host_header() const;
};
/// What follows the authority ("/path") is ignored.
Origin parse_origin(std::string_view url);

bool has_scheme(std::string_view url);
/// Begins with http:// or https://, in lower case.
bool is_http(std::string_view url);

/// A URL as a request needs it; the fragment is dropped.
struct SplitUrl {
  std::string origin;
  std::string target;  ///< Begins with '/'.
};
/// `url` has a scheme.
SplitUrl split_url(std::string_view url);

}  // namespace registry_exporter
