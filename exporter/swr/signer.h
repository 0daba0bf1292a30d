#pragma once

#include <string>
#include <string_view>

#include "exporter/base/clock.h"
#include "exporter/cloud/keys.h"
#include "exporter/net/http_transport.h"

/// Huawei Cloud request signatures. Pure.
namespace registry_exporter::swr {

/// The canonical request of SDK-HMAC-SHA256 over all of `request.headers`.
/// The path of `target` is decoded and encoded again segment by segment, with a slash at its end.
std::string canonical_request(const net::HttpRequest& request);

/// The value of `authorization` for a request that has all the headers to sign; `date` as in its
/// `x-sdk-date`.
std::string authorization(const net::HttpRequest& request, const cloud::Keys& keys,
                          std::string_view date);

/// Signs by SDK-HMAC-SHA256: adds host, date, project, the token where there is one, and
/// `authorization`. Every header is signed. With an IAM token: adds it, signs nothing.
net::HttpRequest sign(net::HttpRequest request, const cloud::Keys& keys,
                      const std::string& project_id, UnixMillis now);

}  // namespace registry_exporter::swr
