#pragma once

#include <curl/curl.h>

#include <string_view>

#include "exporter/base/result.h"
#include "exporter/net/proxy.h"

/// What libcurl's errors mean. For net/curl_transport.cc only.
namespace registry_exporter::net {

/// Of a transfer by `handle` that ended with `code`. `message`: what libcurl wrote into its error
/// buffer. Never quotes the password of a proxy.
Error curl_error(CURL* handle, CURLcode code, std::string_view message, const Proxy& proxy);

/// The URL of the proxy can't be read; libcurl would quote it, password and all.
Error proxy_url_error(const Proxy& proxy);

/// The proxy asks for a name and password (HTTP 407).
Error proxy_password_error(const Proxy& proxy);

}  // namespace registry_exporter::net
