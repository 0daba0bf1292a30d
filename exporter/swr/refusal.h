#pragma once

#include <optional>

#include "exporter/net/api_caller.h"
#include "exporter/net/http_transport.h"

namespace registry_exporter::swr {

/// What an answer of SWR or IAM means to its asker; nullopt: no refusal, read it. Pure.
///
/// Any 2xx is a success. An error is a code and a message under the keys that SWR, IAM, the gateway
/// and their clients use, at the top, in an object or first in a list, or a text without any JSON.
/// Codes come first, then what the gateway alone says of credentials, the status last: throttling
/// may be a 403, "not found" a 400. The detail never quotes the server on a refused signature or
/// token.
std::optional<Refusal> classify_response(const HttpResponse& response);

}  // namespace registry_exporter::swr
