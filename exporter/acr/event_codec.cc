#include "exporter/acr/event_codec.h"

#include <utility>

#include "exporter/acr/listing.h"

namespace registry_exporter::acr {
namespace {

/// nullptr: it tells of nothing that is listed.
const StreamKind* kind_of(std::string_view event_type) {
  if (event_type == "cr:Artifact:BuildCompleted") return &kBuilds;
  if (event_type == "cr:Artifact:SynchronizationCompleted") return &kAcrSyncs;
  return nullptr;
}

}  // namespace

Result<NoticePage> parse_event_page(std::string_view body, const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "Records", "Record", request);
  if (!listing) return tl::unexpected(listing.error());
  NoticePage page;
  page.rows = listing->rows.size();
  page.total = listing->total;
  for (const net::json::Element& element : listing->rows) {
    net::json::Object row;
    if (element.get(row)) continue;
    auto id = record_id_at(row, "RecordId");
    Notice notice;
    const StreamKind* kind = kind_of(net::json::text_at(row, "EventType"));
    notice.of.repo_namespace = net::json::text_at(row, "Namespace");
    notice.of.name = net::json::text_at(row, "RepoName");
    const bool usable = is_usable_name(notice.of.repo_namespace) && is_usable_name(notice.of.name);
    if (kind == nullptr || !id || !usable) continue;
    notice.id = std::move(*id);
    notice.kind = kind;
    notice.at = time_at(row, "CreateTime");
    page.notices.push_back(std::move(notice));
  }
  return page;
}

}  // namespace registry_exporter::acr
