#pragma once

#include <optional>

#include "exporter/net/api_caller.h"
#include "exporter/net/http_transport.h"

namespace registry_exporter::acr {

/// Why an answer is a refusal; nullopt: it is none. Pure.
///
/// An error may come with HTTP 200 and `IsSuccess` false, or from the gateway with a body of its
/// own (JSON with keys in either case, XML), or from a proxy with none of these. The code decides
/// before the status. The detail never quotes what the server says about a signature or a token: it
/// may echo secrets. Waits that the headers name are left to the caller.
std::optional<net::Refusal> classify_response(const net::HttpResponse& response);

}  // namespace registry_exporter::acr
