#include "exporter/swr/sync_codec.h"

#include <algorithm>

#include "exporter/base/text.h"
#include "exporter/swr/fields.h"

namespace registry_exporter::swr {
namespace {

constexpr std::size_t kStatusBytesMax = 64;

struct SyncStatus {
  std::string_view status;
  std::optional<Outcome> outcome;  ///< nullopt: it goes on.
};

constexpr SyncStatus kMeanings[] = {
    {"waiting", std::nullopt},       {"running", std::nullopt},    {"success", Outcome::success},
    {"failed", Outcome::failed},     {"timeout", Outcome::failed}, {"cancel", Outcome::canceled},
    {"canceled", Outcome::canceled}, {"existed", Outcome::other},
};

/// One that is not known is no end: it may be a new way to wait. Returns false for it.
bool set_state(std::string_view raw, Record& record) {
  const std::string status = lower(trim(raw));
  const auto* const known =
      std::find_if(std::begin(kMeanings), std::end(kMeanings),
                   [&](const SyncStatus& each) { return each.status == status; });
  const bool is_known = known != std::end(kMeanings);
  record.open = !is_known || !known->outcome;
  record.outcome = record.open ? Outcome::other : *known->outcome;
  return is_known;
}

Record make_record(std::string id, const net::json::Object& row, Page& page) {
  Record record;
  record.key = record_key(id);
  record.id = std::move(id);
  record.started_at = time_at(row, "createdAt");
  const std::string status = net::json::text_at(row, "status");
  if (!set_state(status, record)) {
    page.unknown_statuses.emplace_back(cut_utf8(status, kStatusBytesMax));
  }
  if (!record.open) record.ended_at = time_at(row, "updatedAt");
  return record;
}

bool is_of(const net::json::Object& row, const RepositoryRef& asked) {
  return same_name(net::json::text_at(row, "namespace"), asked.repo_namespace) &&
         same_name(net::json::text_at(row, "repoName"), asked.name);
}

}  // namespace

Result<Page> parse_sync_page(const net::HttpResponse& response, const RepositoryRef& asked,
                             const PageRequest& request) {
  const Result<net::json::AnyDocument> document = net::json::parse_any(response.body);
  if (!document) return tl::unexpected(document.error());
  const auto rows = rows_of(document->root, "the list of synchronisations");
  if (!rows) return tl::unexpected(rows.error());
  Page page;
  page.rows = rows->size();
  page.total = total_of_range(response.header("content-range"));
  if (rows->empty() && request.index == 0 && page.total.value_or(0) > 0) {
    return fail(ErrorKind::malformed, "shape: no rows although the total is not 0");
  }
  for (const net::json::Element& element : *rows) {
    net::json::Object row;
    if (element.get(row)) {
      page.rejected.push_back(Rejection::id_missing);
      continue;
    }
    if (!is_of(row, asked)) {
      return fail(ErrorKind::malformed, ErrorCause::wrong_repository,
                  "wrong_repo: page of another repository");
    }
    auto id = id_at(row, "id");
    if (id) {
      page.records.push_back(make_record(std::move(*id), row, page));
    } else {
      page.rejected.push_back(id.error());
    }
  }
  return page;
}

bool has_no_sync_rule(const Error& error) { return error.code.ends_with("SWR.4001158"); }

}  // namespace registry_exporter::swr
