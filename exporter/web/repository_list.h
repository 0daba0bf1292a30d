#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/base/result.h"
#include "exporter/model/snapshot.h"

/// The repositories of all registries as people ask for them: filtered, sorted, by pages. Pure.
namespace registry_exporter {

/// Everything that can be said of the repositories at one moment.
struct RepositoryOverview {
  struct Registry {
    std::shared_ptr<const RegistrySnapshot> snapshot;
    bool up = false;
  };
  std::vector<Registry> registries;  ///< In configured order.
  Millis max_staleness{0};
  UnixMillis now;
};

enum class RepositorySort { state, repository, last_read, open_builds, last_event };
inline constexpr std::array<std::string_view, 5> kRepositorySorts{
    "state", "repository", "last_read", "open_builds", "last_event"};

/// The query of `/status` and `/api/v1/repositories`.
struct RepositoryQuery {
  std::string registry;            ///< Empty: all.
  std::optional<Freshness> state;  ///< nullopt: all.
  std::string text;  ///< `q`: part of "namespace/repository", without regard to ASCII case.
  RepositorySort sort = RepositorySort::state;
  bool descending = false;
  std::size_t page = 1;      ///< From 1.
  std::size_t per_page = 0;  ///< 0: all on one.
  bool operator==(const RepositoryQuery&) const = default;
};

/// `registry`, `state`, `q`, `sort`, `order`, `page`, `per_page`; an empty value is none, other
/// parameters are ignored. Errors: bad_request, in words for whoever typed it.
Result<RepositoryQuery> parse_repository_query(const QueryPairs& pairs,
                                               std::size_t per_page_otherwise);
/// The same as a query: "?q=x&page=2"; "" when it is all default.
std::string format_repository_query(const RepositoryQuery& query, std::size_t per_page_otherwise);

/// How many repositories of one registry are in each state now.
std::array<std::size_t, kFreshness> count_states(const RegistrySnapshot& registry,
                                                 const RepositoryOverview& overview);

struct ListedRow {
  const RegistrySnapshot* registry = nullptr;
  const RepositoryView* view = nullptr;
  Freshness freshness = Freshness::fresh;
};

/// One page of what was asked for. Rows point into the overview.
struct RepositoryPage {
  std::vector<ListedRow> rows;
  std::size_t total = 0;    ///< Repositories there are.
  std::size_t matched = 0;  ///< That the query matches, on all pages.
  std::size_t page = 1;     ///< At most `pages`.
  std::size_t pages = 1;
  std::size_t first = 0;  ///< Index of the first row among the matched.
  /// Of the registry asked for (or all), whatever else is asked for.
  std::array<std::size_t, kFreshness> by_state{};
};
RepositoryPage list_repositories(const RepositoryOverview& overview, const RepositoryQuery& query);

/// End of the newest build (acr) or deletion (swr).
std::optional<UnixMillis> last_event(const RepositoryView& view);

/// What to do about a repository that can't be read, in one or two sentences.
std::string_view advice(ErrorKind reason);

}  // namespace registry_exporter
