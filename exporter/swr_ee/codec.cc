#include "exporter/swr_ee/codec.h"

#include <algorithm>
#include <map>

#include "exporter/base/text.h"
#include "exporter/net/json.h"
#include "exporter/swr/fields.h"
#include "exporter/swr_ee/run_status.h"

namespace registry_exporter::swr_ee {
namespace {

using swr::count_at;
using swr::id_at;
using swr::kNameBytesMax;
using swr::time_at;

constexpr std::size_t kStatusBytesMax = 64;

/// A list answer, taken apart.
struct Listing {
  net::json::Document document;
  std::vector<net::json::Object> rows;  ///< Those that are objects.
  std::size_t all_rows = 0;
  std::optional<std::uint64_t> total;
};

Result<Listing> parse_listing(std::string_view body, const char* key, const PageRequest& request) {
  Result<net::json::Document> document = net::json::parse(body);
  if (!document) return tl::unexpected(document.error());
  Listing listing{std::move(*document), {}, 0, std::nullopt};
  const net::json::Object& root = listing.document.root;
  listing.total = count_at(root, "total");
  const auto list = net::json::field(root, key);
  // Behind the last page there is nothing, whatever the total says.
  if (!list && request.index == 0 && listing.total.value_or(0) > 0) {
    return fail(ErrorKind::malformed,
                std::string("shape: ") + key + " is missing although total is not 0");
  }
  net::json::Element any;
  const bool told_of = !root.at_key(key).get(any);
  if (!told_of && !listing.total) {
    return fail(ErrorKind::malformed, std::string("shape: neither ") + key + " nor total");
  }
  const auto rows = swr::rows_of(list, key);
  if (!rows) return tl::unexpected(rows.error());
  listing.all_rows = rows->size();
  for (const net::json::Element& element : *rows) {
    net::json::Object row;
    if (!element.get(row)) listing.rows.push_back(row);
  }
  return listing;
}

template <class Item>
ListPage<Item> page_of(const Listing& listing) {
  ListPage<Item> page;
  page.rows = listing.all_rows;
  page.total = listing.total;
  page.rejected.assign(listing.all_rows - listing.rows.size(), Rejection::id_missing);
  return page;
}

/// Reads each row with a usable id by `read(id, row)`, which gives nullopt for one not wanted.
template <class Item, class Read>
ListPage<Item> read_rows(const Listing& listing, const Read& read) {
  ListPage<Item> page = page_of<Item>(listing);
  for (const net::json::Object& row : listing.rows) {
    const auto id = id_at(row, "id");
    if (!id) {
      page.rejected.push_back(id.error());
    } else if (std::optional<Item> item = read(*id, row)) {
      page.items.push_back(std::move(*item));
    }
  }
  return page;
}

/// Whether what a row says of the one that it belongs to, if anything, is what was asked for.
bool are_of(const Listing& listing, const char* key, const std::string& asked) {
  return std::all_of(listing.rows.begin(), listing.rows.end(), [&](const net::json::Object& row) {
    const auto said = net::json::field(row, key);
    return !said || id_at(row, key) == asked;
  });
}

int finality(const Run& run) {
  if (!run.end) return 0;
  return run.ended_at ? 2 : 1;
}

/// Leaves each run once: of the same one the most final, of equals the first.
template <class Item>
void keep_once(ListPage<Item>& page) {
  std::vector<Item> once;
  std::map<std::string, std::size_t> position_of;
  for (Item& item : page.items) {
    const auto [met, fresh] = position_of.emplace(item.run.id, once.size());
    if (fresh) {
      once.push_back(std::move(item));
    } else if (finality(item.run) > finality(once[met->second].run)) {
      once[met->second] = std::move(item);
    }
  }
  page.items = std::move(once);
}

template <class Item>
void note_unknown_statuses(ListPage<Item>& page, const Listing& listing) {
  for (const net::json::Object& row : listing.rows) {
    const std::string status = net::json::text_at(row, "status");
    const bool known = status_word(status) != StatusWord::unknown;
    if (!known) page.unknown_statuses.emplace_back(cut_utf8(status, kStatusBytesMax));
  }
}

/// One that tells start_time and end_time.
Run run_of(const std::string& id, const net::json::Object& row) {
  Run run;
  run.id = id;
  run.started_at = time_at(row, "start_time");
  run.ended_at = time_at(row, "end_time");
  run.end = end_of(status_word(net::json::text_at(row, "status")), run.ended_at.has_value());
  if (!run.end) run.ended_at.reset();
  return run;
}

/// Where the times of a run are missing, those of its record stand for them.
Run replication_run_of(const std::string& id, const net::json::Object& row) {
  Run run = run_of(id, row);
  if (!run.started_at) run.started_at = time_at(row, "created_at");
  if (!run.ended_at && run.end) run.ended_at = time_at(row, "updated_at");
  return run;
}

std::optional<std::string> name_at(const net::json::Object& row, const char* key) {
  std::string name = net::json::text_at(row, key);
  if (name.empty() || name.size() > kNameBytesMax) return std::nullopt;
  return name;
}

std::optional<bool> bool_at(const net::json::Object& row, const char* key) {
  const auto element = net::json::field(row, key);
  return element ? net::json::bool_of(*element) : std::nullopt;
}

Outcome rule_of_template(const std::string& text) {
  const std::string name = lower(text);
  if (name == "ndayssincelastpush" || name == "ndayssincelastpull") return Outcome::date_rule;
  if (name == "latestpushedk" || name == "latestpulledn") return Outcome::tag_rule;
  return Outcome::other;
}

/// What the rules that are in force go by, if all go by the same.
Outcome rule_of(const net::json::Object& policy) {
  const auto rules = swr::rows_of(net::json::field(policy, "rules"), "rules");
  std::optional<Outcome> found;
  for (const net::json::Element& element : rules.value_or(std::vector<net::json::Element>{})) {
    net::json::Object rule;
    if (element.get(rule)) return Outcome::other;
    if (bool_at(rule, "disabled").value_or(false)) continue;
    const Outcome outcome = rule_of_template(net::json::text_at(rule, "template"));
    if (found && *found != outcome) return Outcome::other;
    found = outcome;
  }
  return found.value_or(Outcome::other);
}

bool is_scheduled(const net::json::Object& policy) {
  const auto trigger = net::json::object_at(policy, "trigger");
  const bool runs_by_itself =
      trigger && lower(net::json::text_at(*trigger, "type")).starts_with("schedule");
  return runs_by_itself && bool_at(policy, "enabled").value_or(true);
}

std::optional<std::uint64_t> removed_of(const net::json::Object& task) {
  const auto found = count_at(task, "total");
  const auto kept = count_at(task, "retained");
  if (!found || !kept || *kept > *found) return std::nullopt;
  return *found - *kept;
}

std::optional<ListedRepository> repository_of(const net::json::Object& row) {
  const auto repo_namespace = name_at(row, "namespace_name");
  const auto name = name_at(row, "name");
  if (!repo_namespace || !name) return std::nullopt;
  ListedRepository repository;
  repository.ref = {*repo_namespace, *name, ""};
  repository.created_at = time_at(row, "created_at");
  repository.modified_at = time_at(row, "updated_at");
  repository.tags = count_at(row, "tag_count");
  repository.downloads = count_at(row, "pull_count");
  return repository;
}

}  // namespace

Result<ListPage<Instance>> parse_instances(std::string_view body, const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "instances", request);
  if (!listing) return tl::unexpected(listing.error());
  ListPage<Instance> page = page_of<Instance>(*listing);
  for (const net::json::Object& row : listing->rows) {
    const auto id = name_at(row, "id");  // A UUID, unlike all the other ids.
    if (id) page.items.push_back({*id, net::json::text_at(row, "name")});
  }
  return page;
}

Result<ListPage<ListedRepository>> parse_repositories(std::string_view body,
                                                      const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "repositories", request);
  if (!listing) return tl::unexpected(listing.error());
  ListPage<ListedRepository> page = page_of<ListedRepository>(*listing);
  for (const net::json::Object& row : listing->rows) {
    if (auto repository = repository_of(row)) page.items.push_back(std::move(*repository));
  }
  return page;
}

Result<ListPage<RetentionPolicy>> parse_retention_policies(std::string_view body,
                                                           const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "retentions", request);
  if (!listing) return tl::unexpected(listing.error());
  return read_rows<RetentionPolicy>(
      *listing,
      [](const std::string& id, const net::json::Object& row) -> std::optional<RetentionPolicy> {
        const auto repo_namespace = name_at(row, "namespace_name");
        if (!repo_namespace) return std::nullopt;
        return RetentionPolicy{id, *repo_namespace, rule_of(row), is_scheduled(row)};
      });
}

Result<ListPage<RetentionExecution>> parse_retention_executions(std::string_view body,
                                                                const std::string& policy_id,
                                                                const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "executions", request);
  if (!listing) return tl::unexpected(listing.error());
  if (!are_of(*listing, "policy_id", policy_id)) {
    return fail(ErrorKind::malformed, ErrorCause::wrong_repository,
                "wrong_policy: page of another policy");
  }
  auto page = read_rows<RetentionExecution>(
      *listing, [](const std::string& id, const net::json::Object& row) {
        return std::optional(RetentionExecution{run_of(id, row), bool_at(row, "dry_run")});
      });
  note_unknown_statuses(page, *listing);
  keep_once(page);
  return page;
}

Result<ListPage<RetentionTask>> parse_retention_tasks(std::string_view body,
                                                      const std::string& execution_id,
                                                      const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "tasks", request);
  if (!listing) return tl::unexpected(listing.error());
  if (!are_of(*listing, "execution_id", execution_id)) {
    return fail(ErrorKind::malformed, ErrorCause::wrong_repository,
                "wrong_execution: page of another execution");
  }
  auto page =
      read_rows<RetentionTask>(*listing, [](const std::string& id, const net::json::Object& row) {
        return std::optional(RetentionTask{run_of(id, row), name_at(row, "repository").value_or(""),
                                           removed_of(row)});
      });
  note_unknown_statuses(page, *listing);
  keep_once(page);
  return page;
}

Result<ListPage<ReplicationPolicy>> parse_replication_policies(std::string_view body,
                                                               const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "policies", request);
  if (!listing) return tl::unexpected(listing.error());
  return read_rows<ReplicationPolicy>(
      *listing, [](const std::string& id, const net::json::Object& row) {
        return std::optional(ReplicationPolicy{id, name_at(row, "name").value_or(id)});
      });
}

Result<ListPage<ReplicationExecution>> parse_replication_executions(std::string_view body,
                                                                    const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "executions", request);
  if (!listing) return tl::unexpected(listing.error());
  ListPage<ReplicationExecution> page = page_of<ReplicationExecution>(*listing);
  for (const net::json::Object& row : listing->rows) {
    const auto id = id_at(row, "id");
    const auto policy_id = id_at(row, "policy_id");
    if (!id || !policy_id) {
      // Without an owner there is nothing to count it for: the row is rejected.
      page.rejected.push_back(id ? Rejection::id_invalid : id.error());
      continue;
    }
    page.items.push_back({replication_run_of(*id, row), *policy_id, count_at(row, "succeed"),
                          count_at(row, "failed"), count_at(row, "stopped")});
  }
  note_unknown_statuses(page, *listing);
  keep_once(page);
  return page;
}

}  // namespace registry_exporter::swr_ee
