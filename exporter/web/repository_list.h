#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/base/result.h"
#include "exporter/model/repository_overview.h"

/// The repositories of all registries: filtered, sorted, divided into pages. Pure.
namespace registry_exporter::web {

enum class RepositorySort { state, repository, last_read, open_builds, last_event };
inline constexpr std::array<std::string_view, 5> kRepositorySorts{
    "state", "repository", "last_read", "open_builds", "last_event"};

/// The query of `/status` and `/api/v1/repositories`.
struct RepositoryQuery {
  std::string registry;            ///< Empty: all.
  std::optional<Freshness> state;  ///< nullopt: all.
  std::string text;                ///< `q`: part of "namespace/repository", ignoring ASCII case.
  RepositorySort sort = RepositorySort::state;
  bool descending = false;
  std::size_t page = 1;      ///< From 1.
  std::size_t per_page = 0;  ///< 0: all on one.
  bool operator==(const RepositoryQuery&) const = default;
};

/// Parses `registry`, `state`, `q`, `sort`, `order`, `page`, `per_page`. Empty values and unknown
/// parameters are ignored. Errors: bad_request, with a message for the user.
Result<RepositoryQuery> parse_repository_query(const QueryPairs& pairs,
                                               std::size_t per_page_otherwise);
/// The reverse: "?q=x&page=2"; "" if everything is default.
std::string format_repository_query(const RepositoryQuery& query, std::size_t per_page_otherwise);

/// How many repositories of one registry are in each state now.
RepositoryCounts count_states(const RegistrySnapshot& registry, const RepositoryOverview& overview);
/// Without those that were dropped.
std::uint64_t count_listed(const RepositoryCounts& states);

struct ListedRow {
  const RegistrySnapshot* registry = nullptr;
  const RepositoryRow* row = nullptr;
  const RepositoryView* view = nullptr;  ///< Of the list that can't be read, or of the first one.
  Freshness freshness = Freshness::fresh;
};

/// One page of the list. Rows point into the overview.
struct RepositoryListPage {
  std::vector<ListedRow> rows;
  std::size_t total = 0;    ///< All rows: repositories, namespaces and policies.
  std::size_t matched = 0;  ///< Repositories that match the query, on all pages.
  std::size_t page = 1;     ///< At most `pages`.
  std::size_t pages = 1;
  std::size_t first = 0;  ///< Index of the first row among the matches.
  /// Of the selected registry (or all), regardless of the other filters.
  RepositoryCounts by_state{};
};
RepositoryListPage list_repositories(const RepositoryOverview& overview,
                                     const RepositoryQuery& query);

/// What a kind of records shows of a repository; nullptr: nothing.
const RepositoryView* view_of(const ListedRow& row, const StreamKind& kind);
/// The same for synchronisations, which each type of registry has a kind of its own for.
const RepositoryView* syncs_of(const ListedRow& row);

/// End of the newest record.
std::optional<UnixMillis> last_event(const RepositoryView& view);
/// Of all kinds.
std::optional<UnixMillis> last_event(const ListedRow& row);

/// What to do about a repository that can't be read: one or two sentences.
std::string_view advice(ErrorKind reason);

}  // namespace registry_exporter::web
