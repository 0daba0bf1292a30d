#pragma once

#include <optional>
#include <string>

namespace registry_exporter::config {

/// The line (from 1) where a YAML text's second document begins; nullopt: there is none, or an
/// empty one. Throws YAML::Exception. (YAML::LoadAll of yaml-cpp 0.7 takes a document that begins
/// with a comma for an empty one before it, for ever.)
std::optional<int> second_document(const std::string& text);

}  // namespace registry_exporter::config
