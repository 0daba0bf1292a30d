#pragma once

#include <optional>

#include "exporter/net/api_caller.h"
#include "exporter/net/http_transport.h"

namespace registry_exporter::swr {

/// Why an answer of SWR or IAM is a refusal; nullopt: it is none. Pure.
///
/// Any 2xx is a success. An error is a code and a message under the keys that SWR, IAM, the gateway
/// and their clients use, at the top, in an object or first in a list, or a text without any JSON.
/// The code decides first, then the gateway's own words about credentials, and the status last:
/// throttling may be a 403, "not found" a 400. The detail never quotes the server about a refused
/// signature or token.
std::optional<net::Refusal> classify_response(const net::HttpResponse& response);

}  // namespace registry_exporter::swr
