#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/acr/build_status.h"
#include "exporter/acr/refusal.h"
#include "exporter/base/result.h"
#include "exporter/model/cloud.h"
#include "exporter/model/record.h"
#include "exporter/model/repository.h"

/// The answers of the `cr` API, version 2018-12-01. Its oddities end here:
///  - numbers come as strings and the other way round; times are Unix ms, and "", null, 0, or
///    anything outside [2000, 2100) is no time;
///  - an empty list may be [], null or missing, and a list may be wrapped in an object;
///  - one odd field never costs the page, a page of another repository always does.
/// All pure. They read answers that classify_response() has no objection to. Errors: malformed.
namespace registry_exporter::acr {

/// One answer of ListRepoBuildRecord about `asked`. `request`: what was asked for, to tell a list
/// that is over from one that is missing.
Result<Page> parse_build_page(std::string_view body, const RepositoryRef& asked,
                              const PageRequest& request, const BuildStatusMap& statuses);

/// GetRepoBuildRecord for `id`. Its `Status` may be just "true": that tells no outcome, the build
/// then counts as open until a listing shows how it ended.
Result<Record> parse_build_record(std::string_view body, const RepositoryRef& asked,
                                  const std::string& id, const BuildStatusMap& statuses);

struct RepositoryPage {
  std::vector<ListedRepository> repositories;  ///< Those usable and in use.
  std::size_t rows = 0;                        ///< All of the answer.
  std::optional<std::uint64_t> total;          ///< A hint.
  std::optional<int> page_size;                ///< What the server used.
};
Result<RepositoryPage> parse_repository_page(std::string_view body, const PageRequest& request);

struct NamespacePage {
  std::vector<std::string> names;
  std::size_t rows = 0;
  std::optional<std::uint64_t> total;
  std::optional<int> page_size;
};
Result<NamespacePage> parse_namespace_page(std::string_view body, const PageRequest& request);

/// GetRepository by name: its id and times. Errors: malformed, also when it is about another one.
Result<ListedRepository> parse_repository(std::string_view body, const RepositoryRef& asked);

}  // namespace registry_exporter::acr
