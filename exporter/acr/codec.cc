#include "exporter/acr/codec.h"

#include <algorithm>
#include <limits>
#include <map>

#include "exporter/base/text.h"
#include "exporter/net/json.h"

namespace registry_exporter::acr {
namespace {

constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kStatusBytesMax = 64;

/// A list answer, taken apart.
struct Listing {
  net::json::Document document;
  std::vector<net::json::Element> rows;
  std::optional<std::uint64_t> total;
  std::optional<int> page_size;
};

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// Unix milliseconds at `key`; nullopt where there is none, or one that can't be true.
std::optional<UnixMillis> time_at(const net::json::Object& object, const char* key) {
  constexpr std::int64_t kFirst = 946'684'800'000;     // 2000-01-01
  constexpr std::int64_t kBeyond = 4'102'444'800'000;  // 2100-01-01
  const auto millis = net::json::integer_at(object, key);
  if (!millis || *millis < kFirst || *millis >= kBeyond) return std::nullopt;
  return UnixMillis(Millis(*millis));
}

/// The array at `plural`: bare, or wrapped as {`singular`: […]}. nullopt: missing, null or "".
Result<std::optional<simdjson::dom::array>> array_at(const net::json::Object& root,
                                                     const char* plural, const char* singular) {
  auto element = net::json::field(root, plural);
  net::json::Object wrapper;
  if (element && !element->get(wrapper)) element = net::json::field(wrapper, singular);
  if (!element) return std::nullopt;
  simdjson::dom::array array;
  if (!element->get(array)) return array;
  if (element->is_string() && element->get_string().value_unsafe().empty()) return std::nullopt;
  return fail(ErrorKind::malformed, std::string("shape: ") + plural + " is no list");
}

Result<Listing> parse_listing(std::string_view body, const char* plural, const char* singular,
                              const PageRequest& request) {
  Result<net::json::Document> document = net::json::parse(body);
  if (!document) return tl::unexpected(document.error());
  Listing listing{std::move(*document), {}, std::nullopt, std::nullopt};
  const net::json::Object& root = listing.document.root;

  const auto total = net::json::integer_at(root, "TotalCount");
  if (total && *total >= 0) listing.total = static_cast<std::uint64_t>(*total);
  const auto page_size = net::json::integer_at(root, "PageSize");
  if (page_size && *page_size > 0 && *page_size <= std::numeric_limits<int>::max()) {
    listing.page_size = static_cast<int>(*page_size);
  }

  const auto array = array_at(root, plural, singular);
  if (!array) return tl::unexpected(array.error());
  if (*array) {
    for (const net::json::Element row : **array) listing.rows.push_back(row);
    return listing;
  }
  // Behind the last page there is nothing, whatever the total says.
  if (request.index == 0 && listing.total.value_or(0) > 0) {
    return fail(ErrorKind::malformed,
                std::string("shape: ") + plural + " is missing although TotalCount is not 0");
  }
  return listing;
}

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

tl::expected<std::string, Rejection> id_of(const net::json::Object& row) {
  const auto element = net::json::field(row, "BuildRecordId");
  if (!element) return tl::unexpected(Rejection::id_missing);
  const bool texty = element->is_string() || element->is_int64() || element->is_uint64();
  if (!texty) return tl::unexpected(Rejection::id_invalid);
  std::string id = net::json::text_of(*element).value_or("");
  if (id.empty()) return tl::unexpected(Rejection::id_missing);
  if (id.size() > kIdBytesMax || has_control_characters(id)) {
    return tl::unexpected(Rejection::id_invalid);
  }
  return id;
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

int finality(const Record& record) {
  if (record.open) return 0;
  return record.ended_at ? 2 : 1;
}

/// Adds a record, or merges it with the same one met before: the most final one stays, of equals
/// the first.
void add(Page& page, std::map<std::string, std::size_t>& position_of, Record record) {
  const auto [met, fresh] = position_of.emplace(record.id, page.records.size());
  if (fresh) {
    page.records.push_back(std::move(record));
    return;
  }
  Record& before = page.records[met->second];
  if (finality(record) > finality(before)) before = std::move(record);
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
  std::map<std::string, std::size_t> position_of;
  for (const net::json::Element& element : listing->rows) {
    net::json::Object row;
    if (element.get(row)) {
      page.rejected.push_back(Rejection::id_missing);
      continue;
    }
    if (!row_is_about(row, asked)) return wrong_repository("page of another repository");
    auto id = id_of(row);
    if (!id) {
      page.rejected.push_back(id.error());
      continue;
    }
    const std::string status = net::json::text_at(row, "BuildStatus");
    const auto meaning = statuses.find(status);
    if (!meaning) page.unknown_statuses.emplace_back(cut_utf8(status, kStatusBytesMax));
    add(page, position_of, make_record(std::move(*id), row, meaning));
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
  auto meaning = statuses.find(status);
  const bool tells_nothing = status == "true" || status == "false";
  if (!meaning && tells_nothing) meaning = config::StatusMeaning::open;
  return make_record(id, root, meaning);
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
  const bool usable = !repository.ref.cloud_id.empty() &&
                      repository.ref.cloud_id.size() <= kIdBytesMax &&
                      !has_control_characters(repository.ref.cloud_id);
  if (!usable) return fail(ErrorKind::malformed, "shape: no usable RepoId");
  return repository;
}

}  // namespace registry_exporter::acr
