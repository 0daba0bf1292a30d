#include "exporter/acr/sync_codec.h"

#include "exporter/acr/listing.h"
#include "exporter/base/text.h"

namespace registry_exporter::acr {
namespace {

/// PENDING, SYNCHRONIZING, SUCCESS, ERROR and CANCELED are documented. One that is not known is no
/// end: it may be a new way to wait.
bool set_state(std::string_view raw, Record& record) {
  const std::string status = upper(trim(raw));
  record.open = false;
  if (status == "SUCCESS") {
    record.outcome = Outcome::success;
  } else if (status == "ERROR" || status == "FAILED") {
    record.outcome = Outcome::failed;
  } else if (status == "CANCELED" || status == "CANCELLED") {
    record.outcome = Outcome::canceled;
  } else {
    record.open = true;
    record.outcome = Outcome::other;
    return status == "PENDING" || status == "SYNCHRONIZING";
  }
  return true;
}

std::optional<UnixMillis> last_change(const net::json::Object& row) {
  const auto change = time_at(row, "ModifiedTime");
  return change ? change : time_at(row, "ModifedTime");
}

/// The repository at one end of a task; nullopt: there is none that can be shown.
std::optional<RepositoryRef> end_of(const std::optional<net::json::Object>& image) {
  if (!image) return std::nullopt;
  RepositoryRef ref;
  ref.repo_namespace = net::json::text_at(*image, "RepoNamespaceName");
  ref.name = net::json::text_at(*image, "RepoName");
  if (!is_usable_name(ref.repo_namespace) || !is_usable_name(ref.name)) return std::nullopt;
  return ref;
}

bool is_of(const std::optional<net::json::Object>& image, const std::string& instance_id) {
  return image && net::json::text_at(*image, "InstanceId") == instance_id;
}

std::optional<RepositoryRef> owner_of(const net::json::Object& row,
                                      const std::string& instance_id) {
  const auto from = net::json::object_at(row, "ImageFrom");
  const auto to = net::json::object_at(row, "ImageTo");
  if (is_of(from, instance_id)) return end_of(from);
  if (is_of(to, instance_id)) return end_of(to);
  // Neither says that it is ours. It is listed here all the same.
  const auto source = end_of(from);
  return source ? source : end_of(to);
}

Record make_record(std::string id, RepositoryRef owner, const net::json::Object& row, Page& page) {
  Record record;
  record.key = record_key(id);
  record.id = std::move(id);
  record.owner = std::move(owner);
  record.started_at = time_at(row, "CreateTime");
  const std::string status = net::json::text_at(row, "TaskStatus");
  if (!set_state(status, record)) page.unknown_statuses.push_back(shown_status(status));
  if (!record.open) record.ended_at = last_change(row);
  return record;
}

}  // namespace

Result<Page> parse_sync_page(std::string_view body, const std::string& instance_id,
                             const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "SyncTasks", "SyncTask", request);
  if (!listing) return tl::unexpected(listing.error());
  Page page;
  page.rows = listing->rows.size();
  page.total = listing->total;
  page.page_size = listing->page_size;
  UniqueRecords records(page);
  for (const net::json::Element& element : listing->rows) {
    net::json::Object row;
    if (element.get(row)) {
      page.rejected.push_back(Rejection::id_missing);
      continue;
    }
    auto id = record_id_at(row, "SyncTaskId");
    auto owner = owner_of(row, instance_id);
    if (!id || !owner) {
      // Without an owner there is nothing to count it for: the row is rejected.
      page.rejected.push_back(id ? Rejection::id_invalid : id.error());
      continue;
    }
    records.add(make_record(std::move(*id), std::move(*owner), row, page));
  }
  return page;
}

}  // namespace registry_exporter::acr
