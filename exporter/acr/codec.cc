#include "exporter/acr/codec.h"

#include "exporter/acr/listing.h"
#include "exporter/net/json.h"

namespace registry_exporter::acr {
namespace {

constexpr std::size_t kNameBytesMax = 256;

/// Whether what `object` says of its repository, if anything, is what was asked for.
bool is_about(const net::json::Object& object, const RepositoryRef& asked) {
  const auto agrees = [&](const char* key, const std::string& expected) {
    const std::string said = net::json::text_at(object, key);
    return said.empty() || expected.empty() || said == expected;
  };
  return agrees("RepoId", asked.cloud_id) && agrees("RepoName", asked.name) &&
         agrees("RepoNamespaceName", asked.repo_namespace);
}

bool row_is_about(const net::json::Object& row, const RepositoryRef& asked) {
  const auto image = net::json::object_at(row, "Image");
  return !image || is_about(*image, asked);
}

tl::unexpected<Error> wrong_repository(const std::string& what) {
  return fail(ErrorKind::malformed, ErrorCause::wrong_repository, "wrong_repo: " + what);
}

Record make_record(std::string id, const net::json::Object& row,
                   std::optional<config::StatusMeaning> meaning) {
  Record record;
  record.key = record_key(id);
  record.id = std::move(id);
  record.started_at = time_at(row, "StartTime");
  record.ended_at = time_at(row, "EndTime");
  const BuildState state = state_of(meaning, record.ended_at.has_value());
  record.open = state.open;
  record.outcome = state.outcome;
  return record;
}

std::optional<ListedRepository> listed_repository(const net::json::Object& row) {
  ListedRepository repository;
  repository.ref.cloud_id = net::json::text_at(row, "RepoId");
  repository.ref.name = net::json::text_at(row, "RepoName");
  repository.ref.repo_namespace = net::json::text_at(row, "RepoNamespaceName");
  repository.created_at = time_at(row, "CreateTime");
  repository.modified_at = time_at(row, "ModifiedTime");
  for (const std::string* text :
       {&repository.ref.cloud_id, &repository.ref.name, &repository.ref.repo_namespace}) {
    if (text->empty() || text->size() > kNameBytesMax) return std::nullopt;
  }
  const std::string status = net::json::text_at(row, "RepoStatus");
  if (!status.empty() && status != "NORMAL") return std::nullopt;
  return repository;
}

}  // namespace

Result<Page> parse_build_page(std::string_view body, const RepositoryRef& asked,
                              const PageRequest& request, const BuildStatusMap& statuses) {
  const Result<Listing> listing = parse_listing(body, "BuildRecords", "BuildRecord", request);
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
    if (!row_is_about(row, asked)) return wrong_repository("page of another repository");
    auto id = record_id_at(row, "BuildRecordId");
    if (!id) {
      page.rejected.push_back(id.error());
      continue;
    }
    const std::string status = net::json::text_at(row, "BuildStatus");
    const auto meaning = statuses.find(status);
    if (!meaning) page.unknown_statuses.push_back(shown_status(status));
    records.add(make_record(std::move(*id), row, meaning));
  }
  return page;
}

Result<Record> parse_build_record(std::string_view body, const RepositoryRef& asked,
                                  const std::string& id, const BuildStatusMap& statuses) {
  const Result<net::json::Document> document = net::json::parse(body);
  if (!document) return tl::unexpected(document.error());
  const net::json::Object& root = document->root;
  const std::string told_id = net::json::text_at(root, "BuildRecordId");
  if (!told_id.empty() && told_id != id) {
    return wrong_repository("another build record");
  }
  if (!row_is_about(root, asked)) return wrong_repository("page of another repository");
  std::string status = net::json::text_at(root, "Status");
  if (status.empty()) status = net::json::text_at(root, "BuildStatus");
  if (status.empty()) return fail(ErrorKind::malformed, "shape: no Status");
  const auto meaning = statuses.find(status);
  const bool tells_nothing = status == "true" || status == "false";
  Record record = make_record(id, root, meaning);
  record.tells_nothing = !meaning && tells_nothing;
  return record;
}

Result<cloud::ListedRepositories> parse_repository_page(std::string_view body,
                                                        const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "Repositories", "Repository", request);
  if (!listing) return tl::unexpected(listing.error());
  cloud::ListedRepositories page;
  page.rows = listing->rows.size();
  page.total = listing->total;
  page.page_size = listing->page_size;
  for (const net::json::Element& element : listing->rows) {
    net::json::Object row;
    if (element.get(row)) continue;
    if (auto repository = listed_repository(row)) {
      page.repositories.push_back(std::move(*repository));
    }
  }
  return page;
}

Result<NamespacePage> parse_namespace_page(std::string_view body, const PageRequest& request) {
  const Result<Listing> listing = parse_listing(body, "Namespaces", "Namespace", request);
  if (!listing) return tl::unexpected(listing.error());
  NamespacePage page;
  page.rows = listing->rows.size();
  page.total = listing->total;
  page.page_size = listing->page_size;
  for (const net::json::Element& element : listing->rows) {
    net::json::Object row;
    if (element.get(row)) continue;
    std::string name = net::json::text_at(row, "NamespaceName");
    if (!name.empty() && name.size() <= kNameBytesMax) page.names.push_back(std::move(name));
  }
  return page;
}

Result<ListedRepository> parse_repository(std::string_view body, const RepositoryRef& asked) {
  const Result<net::json::Document> document = net::json::parse(body);
  if (!document) return tl::unexpected(document.error());
  const net::json::Object& root = document->root;
  if (!is_about(root, asked)) return wrong_repository("another repository");
  ListedRepository repository;
  repository.ref = asked;
  repository.ref.cloud_id = net::json::text_at(root, "RepoId");
  repository.created_at = time_at(root, "CreateTime");
  repository.modified_at = time_at(root, "ModifiedTime");
  if (!is_usable_name(repository.ref.cloud_id))
    return fail(ErrorKind::malformed, "shape: no usable RepoId");
  return repository;
}

}  // namespace registry_exporter::acr
