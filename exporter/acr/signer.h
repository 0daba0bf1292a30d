#pragma once

#include <string>
#include <string_view>

#include "exporter/base/clock.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/base/secret.h"
#include "exporter/cloud/keys.h"
#include "exporter/net/http_transport.h"

/// Alibaba Cloud request signatures. Pure.
namespace registry_exporter::acr {

/// Signs by ACS3-HMAC-SHA256 (signature V3): adds host, date, nonce, body digest, the token where
/// there is one, and `authorization`. All headers `x-acs-*`, `host` and `content-type` are signed.
/// The query of `target` must be percent-encoded as by percent_encode(), the path is signed as is.
net::HttpRequest sign_v3(net::HttpRequest request, const cloud::Keys& keys, UnixMillis now,
                         std::string_view nonce);

}  // namespace registry_exporter::acr
