#pragma once

#include <string>
#include <string_view>

#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/net/http_transport.h"

/// The services that give tokens and temporary keys: IAM, STS, and those beside an instance or a
/// container; and IAM's list of projects. Their requests and answers; pure.
/// Source: public pages of the IAM API, and the official clients.
namespace registry_exporter::swr {

/// A token for a user of IAM, scoped to a project by its name.
net::HttpRequest create_token(const std::string& iam_origin,
                              const config::SwrCredentials::IamUser& user, const Secret& password);
/// The same for the token of an identity provider.
net::HttpRequest create_token_with_id_token(const std::string& iam_origin,
                                            const std::string& idp_id, const Secret& id_token);
/// A token of IAM, in `keys.iam_token`, and the project it is for. Errors: malformed.
Result<cloud::IssuedKeys> parse_token(const net::HttpResponse& response);

/// Temporary keys for the owner of a token. The answer: parse_temporary_keys().
net::HttpRequest create_temporary_keys(const std::string& iam_origin, const Secret& iam_token);
/// Temporary keys of an agency; not yet signed.
net::HttpRequest assume_agency(const std::string& iam_origin,
                               const config::SwrCredentials::AssumeAgency& agency);

/// The same by STS, for a trust agency of the newer IAM; not yet signed.
net::HttpRequest assume_trust_agency(const std::string& sts_origin,
                                     const config::SwrCredentials::AssumeAgency& agency);
/// Not signed: the identity provider's token authenticates the request.
net::HttpRequest assume_with_oidc(const std::string& sts_origin,
                                  const config::SwrCredentials::Oidc& oidc, const Secret& id_token);

/// Keys of a container's pod identity. `token`: the content of its file.
net::HttpRequest pod_keys(const std::string& uri, const Secret& token);

/// `token`: of metadata_token(); empty if the instance supports only the first version.
net::HttpRequest metadata_token(const std::string& metadata_origin);
net::HttpRequest metadata_keys(const std::string& metadata_origin, const std::string& token);

/// Reads the answers of IAM, STS, instance metadata and pod identity, whose names differ.
/// Errors: malformed.
Result<cloud::IssuedKeys> parse_temporary_keys(const net::HttpResponse& response);

/// Projects of an account by their name; not yet signed.
net::HttpRequest list_projects(const std::string& iam_origin, const std::string& name);
/// The one project of that name. Errors: malformed; invalid_config: none, or several.
Result<std::string> parse_project(const net::HttpResponse& response, const std::string& name);
/// Whether a text can be used in a header and in the state's identity.
bool is_project_id(std::string_view text);

}  // namespace registry_exporter::swr
