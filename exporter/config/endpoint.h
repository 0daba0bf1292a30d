#pragma once

#include <string>
#include <tl/expected.hpp>

/// Where registries are found. Pure.
namespace registry_exporter {

/// "https://host[:port]" of what a user wrote: blanks around it and slashes at its end are dropped.
/// Errors: what is wrong, to follow the name of the key (" must …"). Never repeats the text, which
/// may hold a password by mistake.
tl::expected<std::string, std::string> read_endpoint(const std::string& text);

/// The same for the official clients' variables and files, where `https://` may be left out.
tl::expected<std::string, std::string> read_client_endpoint(const std::string& text);

std::string acr_endpoint(const std::string& region, bool vpc);
std::string swr_endpoint(const std::string& region);
std::string iam_endpoint(const std::string& region);
/// The host of IAM that serves every region of the region's domain, or "" where none is known.
std::string global_iam_endpoint(const std::string& region);
std::string swr_sts_endpoint(const std::string& region);

}  // namespace registry_exporter
