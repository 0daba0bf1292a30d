#pragma once

#include <optional>

#include "exporter/net/api_caller.h"
#include "exporter/net/http_transport.h"

namespace registry_exporter::swr {

/// What an answer of SWR or IAM means to its asker; nullopt: no refusal, read it. Pure.
///
/// Any 2xx is a success. Errors come in seven shapes: `error_code`/`error_msg`, an `errors` list, a
/// bare list, `errorCode` at the top, the gateway's, IAM's `error` object, or no JSON at all. Codes
/// come first, the status second: throttling may be a 403, "not found" a 400. The detail never
/// quotes the server on a refused signature or token.
std::optional<Refusal> judge(const HttpResponse& response);

}  // namespace registry_exporter::swr
