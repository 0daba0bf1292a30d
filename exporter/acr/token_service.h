#pragma once

#include <string>
#include <string_view>

#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/net/http_transport.h"

/// What gives temporary keys: STS (version 2015-04-01), the metadata of an ECS instance, a
/// credentials URI, a program. Requests and answers; pure. Source: public pages of the STS API,
/// and the official credentials libraries.
namespace registry_exporter::acr {

/// Signed as any other call; the official libraries still sign it the older way, which the STS
/// pages call discontinued.
net::HttpRequest assume_role(const std::string& sts_origin,
                             const config::AcrCredentials::AssumeRole& role,
                             const cloud::Keys& keys, UnixMillis now, std::string_view nonce);

/// Not signed: the identity provider's token authenticates the request.
net::HttpRequest assume_role_with_oidc(const std::string& sts_origin,
                                       const config::AcrCredentials::Oidc& oidc,
                                       const Secret& token, UnixMillis now);

/// STS's answer. Errors: malformed.
Result<cloud::IssuedKeys> parse_sts_answer(const net::HttpResponse& response);

/// `token`: of metadata_token(); empty if the instance supports only the first version.
net::HttpRequest metadata_token(const std::string& metadata_origin);
net::HttpRequest metadata_role(const std::string& metadata_origin, const std::string& token);
net::HttpRequest metadata_keys(const std::string& metadata_origin, const std::string& role,
                               const std::string& token);
/// `uri`: "http[s]://host[:port][/path]".
net::HttpRequest keys_at(const std::string& uri);

/// What instance metadata and a credentials URI answer. Errors: malformed.
Result<cloud::IssuedKeys> parse_key_document(const net::HttpResponse& response);

/// The output of a profile's program. Errors: invalid_config; they never quote the output.
Result<cloud::IssuedKeys> parse_command_output(const Secret& output);

}  // namespace registry_exporter::acr
