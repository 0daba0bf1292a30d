#pragma once

#include <string>
#include <tl/expected.hpp>

/// Endpoints of the clouds. Pure.
namespace registry_exporter::config {

/// Reads "https://host[:port]" as users write it: drops white space around it and slashes at its
/// end. Errors: what is wrong, to follow the name of the key (" must …"). Never quotes the text,
/// which may contain a password by mistake.
tl::expected<std::string, std::string> read_endpoint(const std::string& text);

/// The same for variables and files of the official clients, where `https://` is optional.
tl::expected<std::string, std::string> read_client_endpoint(const std::string& text);

std::string acr_endpoint(const std::string& region, bool vpc);
std::string swr_endpoint(const std::string& region);
std::string iam_endpoint(const std::string& region);
/// The global IAM for the region's domain; "" if none is known.
std::string global_iam_endpoint(const std::string& region);
std::string swr_sts_endpoint(const std::string& region);

}  // namespace registry_exporter::config
