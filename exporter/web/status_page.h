#pragma once

#include <string>
#include <string_view>

#include "exporter/web/html.h"
#include "exporter/web/repository_list.h"

/// `/status` and the same as JSON. Pure.
namespace registry_exporter::web {

inline constexpr std::size_t kStatusRowsPerPage = 100;

/// A whole HTML page. `links`: what those to other pages begin with (see Site). Links to the page
/// itself are relative, so that its form leads back to where it came from.
Html status_page(const RepositoryOverview& overview, const RepositoryQuery& query,
                 std::string_view links);

/// `/api/v1/repositories`: a JSON object. Unknown values are null; keys that don't apply to the
/// type of the registry are absent. Bytes that are not UTF-8 become U+FFFD.
std::string repositories_json(const RepositoryOverview& overview, const RepositoryQuery& query);

}  // namespace registry_exporter::web
