#pragma once

#include <string>
#include <string_view>

#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/net/http_transport.h"

/// The services that give tokens and temporary keys: IAM, and the metadata of an instance. Their
/// questions and answers; pure.
/// Source: public pages of the IAM API, and the official clients.
namespace registry_exporter::swr {

/// A token for a user of IAM, scoped to a project by its name.
HttpRequest create_token(const std::string& iam_origin, const SwrCredentials::IamUser& user,
                         const Secret& password);
/// The same for the token of an identity provider.
HttpRequest create_token_with_id_token(const std::string& iam_origin, const std::string& idp_id,
                                       const Secret& id_token);
/// A token of IAM, in `keys.iam_token`. Errors: malformed.
Result<Grant> parse_token(const HttpResponse& response);

/// Temporary keys for the owner of a token. The answer: parse_temporary_keys().
HttpRequest create_temporary_keys(const std::string& iam_origin, const Secret& iam_token);
/// Temporary keys of an agency; not yet signed.
HttpRequest assume_agency(const std::string& iam_origin,
                          const SwrCredentials::AssumeAgency& agency);

/// `token`: of metadata_token(); empty where the instance has the first version alone.
HttpRequest metadata_token(const std::string& metadata_origin);
HttpRequest metadata_keys(const std::string& metadata_origin, const std::string& token);

/// What IAM and instance metadata answer. Errors: malformed.
Result<Grant> parse_temporary_keys(const HttpResponse& response);

}  // namespace registry_exporter::swr
