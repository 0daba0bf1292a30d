#pragma once

#include <optional>

#include "exporter/net/api_caller.h"
#include "exporter/net/http_transport.h"

namespace registry_exporter::acr {

/// What an answer means to its asker; nullopt: no refusal, read it. Pure.
///
/// An error may ride on HTTP 200 with `IsSuccess` false, or come from the gateway with a body of
/// its own (JSON in either case of its keys, XML), or from a proxy with none of this. Codes come
/// first, the status second. The detail never tells what the server said of a signature or a token:
/// that may echo secrets. Waits that the headers name are left to the caller.
std::optional<Refusal> classify_response(const HttpResponse& response);

}  // namespace registry_exporter::acr
