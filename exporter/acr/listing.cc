#include "exporter/acr/listing.h"

#include <algorithm>
#include <limits>

#include "exporter/base/text.h"

namespace registry_exporter::acr {
namespace {

constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kStatusBytesMax = 64;

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
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

int finality(const Record& record) {
  if (record.open) return 0;
  return record.ended_at ? 2 : 1;
}

}  // namespace

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

std::optional<UnixMillis> time_at(const net::json::Object& object, const char* key) {
  constexpr std::int64_t kFirst = 946'684'800'000;     // 2000-01-01
  constexpr std::int64_t kBeyond = 4'102'444'800'000;  // 2100-01-01
  const auto millis = net::json::integer_at(object, key);
  if (!millis || *millis < kFirst || *millis >= kBeyond) return std::nullopt;
  return UnixMillis(Millis(*millis));
}

tl::expected<std::string, Rejection> record_id_at(const net::json::Object& row, const char* key) {
  const auto element = net::json::field(row, key);
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

bool is_usable_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && !has_control_characters(name);
}

std::string shown_status(std::string_view raw) {
  return std::string(cut_utf8(raw, kStatusBytesMax));
}

void UniqueRecords::add(Record record) {
  const auto [met, fresh] = position_of_.emplace(record.key, page_.records.size());
  if (fresh) {
    page_.records.push_back(std::move(record));
    return;
  }
  Record& before = page_.records[met->second];
  if (finality(record) > finality(before)) before = std::move(record);
}

}  // namespace registry_exporter::acr
