#pragma once

#include <string>
#include <string_view>

#include "exporter/model/stream_kind.h"

namespace registry_exporter {

/// What one outcome of an owner's records shows.
struct SeriesNames {
  std::string events;
  std::string durations;  ///< The histogram's count; "" if the kind has none.
};

/// As the documentation has them: written down here once more.
SeriesNames series_names(const std::string& registry, const StreamKind& kind,
                         const RepositoryRef& owner, Outcome outcome);

/// Owners are told apart by registry and name: "acr team/api"; a namespace is "ee team/", a policy
/// "ee /name".
std::string owner_key(std::string_view registry, std::string_view repo_namespace,
                      std::string_view name);
std::string owner_key(std::string_view registry, const RepositoryRef& owner);
/// The owner that a series is of.
std::string owner_key(std::string_view series);
/// "acr" of "acr team/api".
std::string registry_of(const std::string& owner_key);

/// A list that is read: its owner, and for the kinds that came later what it lists.
std::string list_key(std::string_view registry, const StreamKind& kind, const RepositoryRef& owner);

}  // namespace registry_exporter
