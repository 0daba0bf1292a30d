#pragma once

#include <string>

#include "exporter/web/repository_list.h"

/// `/status`, for people, and the same for programs. Pure.
namespace registry_exporter {

inline constexpr std::size_t kStatusRowsPerPage = 100;

/// A whole HTML page.
std::string status_page(const RepositoryOverview& overview, const RepositoryQuery& query);

/// `/api/v1/repositories`: a JSON object. What isn't known is null; keys of the other type of
/// registry are absent. Bytes that are no UTF-8 become U+FFFD.
std::string repositories_json(const RepositoryOverview& overview, const RepositoryQuery& query);

}  // namespace registry_exporter
