#pragma once

#include <string>
#include <tl/expected.hpp>

/// Where registries are found. Pure.
namespace registry_exporter {

/// "https://host[:port]" of what a user wrote: blanks around it and slashes at its end are dropped.
/// Errors: what is wrong, to follow the name of the key (" must …"). Never repeats the text, which
/// may hold a password by mistake.
tl::expected<std::string, std::string> read_endpoint(const std::string& text);

/// Without white space at both ends.
std::string trimmed(std::string text);

std::string acr_endpoint(const std::string& region, bool vpc);
std::string swr_endpoint(const std::string& region);
std::string iam_endpoint(const std::string& region);

}  // namespace registry_exporter
