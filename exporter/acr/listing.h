#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/model/cloud.h"
#include "exporter/model/record.h"
#include "exporter/net/json.h"

/// What the list answers of the `cr` API have in common. For the codecs of this folder. Pure.
namespace registry_exporter::acr {

/// A list answer, taken apart. The rows live as long as it does.
struct Listing {
  net::json::Document document;
  std::vector<net::json::Element> rows;
  std::optional<std::uint64_t> total;
  std::optional<int> page_size;
};

/// `plural`: the key of the list, which may be wrapped as {`singular`: […]}. `request` tells a list
/// that has ended from one that is missing. Errors: malformed.
Result<Listing> parse_listing(std::string_view body, const char* plural, const char* singular,
                              const PageRequest& request);

/// Unix milliseconds at `key`; nullopt where there is none, or one that can't be true.
std::optional<UnixMillis> time_at(const net::json::Object& object, const char* key);

/// The id of a record at `key`, or why it can't be recognised by it.
tl::expected<std::string, Rejection> record_id_at(const net::json::Object& row, const char* key);

/// Whether a name can be the name of a repository or a namespace.
bool is_usable_name(std::string_view name);

/// A status that is not known, cut so that it can be shown.
std::string shown_status(std::string_view raw);

/// The records of a page, each once: of several rows with one id the most final one stays, of
/// equals the first.
class UniqueRecords {
 public:
  explicit UniqueRecords(Page& page) : page_(page) {}
  void add(Record record);

 private:
  Page& page_;
  std::unordered_map<RecordKey, std::size_t> position_of_;
};

}  // namespace registry_exporter::acr
