#include "exporter/web/repository_list.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <tuple>

#include "exporter/base/text.h"

namespace registry_exporter::web {
namespace {

constexpr std::size_t kPerPageMax = 100'000;
constexpr std::size_t kPageMax = 1'000'000'000;

std::optional<Freshness> freshness_called(std::string_view word) {
  for (std::size_t i = 0; i < kFreshness; ++i) {
    if (name(static_cast<Freshness>(i)) == word) return static_cast<Freshness>(i);
  }
  return std::nullopt;
}

std::optional<std::size_t> number_up_to(std::string_view text, std::size_t most) {
  std::size_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  const bool whole = error == std::errc{} && end == last && number >= 1 && number <= most;
  return whole ? std::optional(number) : std::nullopt;
}

Result<Done> read_pair(const std::string& key, const std::string& value, RepositoryQuery& query) {
  const auto refuse = [&](const std::string& words) {
    return fail(ErrorKind::bad_request, key + " must be " + words);
  };
  if (key == "registry") {
    query.registry = value;
  } else if (key == "q") {
    query.text = value;
  } else if (key == "state") {
    query.state = freshness_called(value);
    if (!query.state) return refuse("one of fresh, stale, failing, pending, dropped");
  } else if (key == "sort") {
    const auto* const found = std::find(kRepositorySorts.begin(), kRepositorySorts.end(), value);
    if (found == kRepositorySorts.end()) {
      return refuse("one of state, repository, last_read, open_builds, last_event");
    }
    query.sort = static_cast<RepositorySort>(found - kRepositorySorts.begin());
  } else if (key == "order") {
    if (value != "asc" && value != "desc") return refuse("asc or desc");
    query.descending = value == "desc";
  } else if (key == "page" || key == "per_page") {
    const bool page = key == "page";
    const auto number = number_up_to(value, page ? kPageMax : kPerPageMax);
    if (!number) return refuse("a whole number from 1");
    (page ? query.page : query.per_page) = *number;
  }
  return Done{};
}

Freshness freshness_of(const RegistrySnapshot& registry, const RepositoryRow& row,
                       const RepositoryOverview& overview) {
  return freshness_of(registry, row, overview.max_staleness, overview.now);
}

/// What is told of a repository: of the list that can't be read, if there is one.
const RepositoryView& view_of(const RepositoryRow& row) {
  const RepositoryView* failing = nullptr;
  row.for_lists([&](const RepositoryView& view) {
    if (view.failing && failing == nullptr) failing = &view;
  });
  return failing != nullptr ? *failing : row.first_view();
}

/// Sort order of the states: the most urgent first.
int urgency(Freshness freshness) {
  switch (freshness) {
    case Freshness::failing:
      return 0;
    case Freshness::stale:
      return 1;
    case Freshness::pending:
      return 2;
    case Freshness::fresh:
    case Freshness::dropped:
      break;
  }
  return 3;
}

auto name_key(const ListedRow& row) {
  return std::tie(row.view->ref.repo_namespace, row.view->ref.name, row.registry->name);
}

std::int64_t open_builds(const ListedRow& row) {
  const RepositoryView* const builds = view_of(row, kBuilds);
  return builds != nullptr ? builds->open : 0;
}

/// The sort key; unknown values come last in either order.
std::int64_t sort_key(const ListedRow& row, const RepositoryQuery& query) {
  const auto time = [&](const std::optional<UnixMillis>& known) {
    if (known) return std::int64_t{known->time_since_epoch().count()};
    return query.descending ? std::numeric_limits<std::int64_t>::min()
                            : std::numeric_limits<std::int64_t>::max();
  };
  switch (query.sort) {
    case RepositorySort::state:
      return urgency(row.freshness);
    case RepositorySort::repository:
      return 0;
    case RepositorySort::last_read:
      return time(row.view->last_read);
    case RepositorySort::open_builds:
      return open_builds(row);
    case RepositorySort::last_event:
      return time(last_event(row));
  }
  return 0;
}

void sort_rows(std::vector<ListedRow>& rows, const RepositoryQuery& query) {
  const bool by_name = query.sort == RepositorySort::repository;
  std::stable_sort(rows.begin(), rows.end(), [&](const ListedRow& a, const ListedRow& b) {
    const std::int64_t left = sort_key(a, query);
    const std::int64_t right = sort_key(b, query);
    if (left != right) return query.descending ? left > right : left < right;
    return by_name && query.descending ? name_key(b) < name_key(a) : name_key(a) < name_key(b);
  });
}

void cut_to_page(RepositoryListPage& page, const RepositoryQuery& query) {
  page.matched = page.rows.size();
  if (query.per_page == 0) return;
  page.pages = std::max<std::size_t>(1, (page.matched + query.per_page - 1) / query.per_page);
  page.page = std::min(query.page, page.pages);
  page.first = (page.page - 1) * query.per_page;
  const auto begin = page.rows.begin() + static_cast<std::ptrdiff_t>(page.first);
  const std::size_t count = std::min(query.per_page, page.matched - page.first);
  page.rows = {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

Result<RepositoryQuery> parse_repository_query(const QueryPairs& pairs,
                                               std::size_t per_page_otherwise) {
  RepositoryQuery query;
  query.per_page = per_page_otherwise;
  for (const auto& [key, value] : pairs) {
    if (value.empty()) continue;
    if (auto read = read_pair(key, value, query); !read) return tl::unexpected(read.error());
  }
  return query;
}

std::string format_repository_query(const RepositoryQuery& query, std::size_t per_page_otherwise) {
  std::string text;
  const auto add = [&text](const char* key, std::string_view value) {
    text += (text.empty() ? "?" : "&") + std::string(key) + "=" + percent_encode(value);
  };
  if (!query.registry.empty()) add("registry", query.registry);
  if (query.state) add("state", name(*query.state));
  if (!query.text.empty()) add("q", query.text);
  if (query.sort != RepositorySort::state) {
    add("sort", kRepositorySorts[static_cast<std::size_t>(query.sort)]);
  }
  if (query.descending) add("order", "desc");
  if (query.per_page != per_page_otherwise) add("per_page", std::to_string(query.per_page));
  if (query.page != 1) add("page", std::to_string(query.page));
  return text;
}

RepositoryCounts count_states(const RegistrySnapshot& registry,
                              const RepositoryOverview& overview) {
  return count_states(registry, overview.max_staleness, overview.now);
}

std::uint64_t count_listed(const RepositoryCounts& states) {
  const auto dropped = static_cast<std::size_t>(Freshness::dropped);
  return std::accumulate(states.begin(), states.end(), std::uint64_t{0}) - states[dropped];
}

RepositoryListPage list_repositories(const RepositoryOverview& overview,
                                     const RepositoryQuery& query) {
  RepositoryListPage page;
  for (const auto& registry : overview.registries) {
    const RegistrySnapshot& snapshot = *registry.snapshot;
    page.total += snapshot.rows.size();
    if (!query.registry.empty() && query.registry != snapshot.name) continue;
    const auto states = count_states(snapshot, overview);
    for (std::size_t i = 0; i < kFreshness; ++i) page.by_state[i] += states[i];
    for (const RepositoryRow& each : snapshot.rows) {
      const ListedRow row{&snapshot, &each, &view_of(each), freshness_of(snapshot, each, overview)};
      const bool matches = (!query.state || *query.state == row.freshness) &&
                           contains_ignoring_case(full_name(row.view->ref), query.text);
      if (matches) page.rows.push_back(row);
    }
  }
  sort_rows(page.rows, query);
  cut_to_page(page, query);
  return page;
}

const RepositoryView* view_of(const ListedRow& row, const StreamKind& kind) {
  const auto cell = row.registry->cell_of(&kind);
  return cell ? row.row->cells[*cell].view.get() : nullptr;
}

const RepositoryView* syncs_of(const ListedRow& row) {
  const RepositoryView* const acr = view_of(row, kAcrSyncs);
  return acr != nullptr ? acr : view_of(row, kSwrSyncs);
}

std::optional<UnixMillis> last_event(const ListedRow& row) {
  std::optional<UnixMillis> newest;
  for (const StreamCell& cell : row.row->cells) {
    if (cell.view) newest = std::max(newest, last_event(*cell.view));
  }
  return newest;
}

std::optional<UnixMillis> last_event(const RepositoryView& view) {
  std::optional<UnixMillis> newest;
  for (const auto& end : view.last_end.values) newest = std::max(newest, end);
  return newest;
}

std::string_view advice(ErrorKind reason) {
  switch (reason) {
    case ErrorKind::throttled:
      return "Retried automatically. If it persists, lower requests_per_second, or look for other "
             "users of the account.";
    case ErrorKind::unauthorized:
      return "The credentials were refused: put a valid key into the secret file; no restart is "
             "needed.";
    case ErrorKind::forbidden:
      return "The key's policy does not allow this repository or action; registry_exporter "
             "--doctor names it.";
    case ErrorKind::not_found:
      return "The cloud no longer knows it: it is removed after the next two discoveries.";
    case ErrorKind::bad_request:
      return "The cloud refused the request: check instance_id, region and endpoint; if they are "
             "right, report it with the log line.";
    case ErrorKind::server_error:
      return "The cloud failed. Retried automatically.";
    case ErrorKind::timeout:
      return "Retried automatically. If it persists, check network and proxy, or raise "
             "request_timeout.";
    case ErrorKind::transport:
      return "Retried automatically. If it persists, check DNS, endpoint, proxy and TLS.";
    case ErrorKind::malformed:
      return "The response can't be parsed: please report it with the log line.";
    default:
      return "The log says more.";
  }
}

}  // namespace registry_exporter::web
