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
#include "exporter/cloud/namespace_discovery.h"
#include "exporter/model/cloud.h"
#include "exporter/model/record.h"
#include "exporter/model/repository.h"

/// The answers of the `cr` API, version 2018-12-01. Nothing outside of this file knows its
/// oddities:
///  - numbers come as strings and the other way round; times are Unix ms, and "", null, 0, or
///    anything outside [2000, 2100) is no time;
///  - an empty list may be [], null or missing, and a list may be wrapped in an object;
///  - one odd field never makes the page unreadable; a page of another repository always is.
/// All functions are pure. They read answers that are no refusals. Errors: malformed.
namespace registry_exporter::acr {

/// One answer of ListRepoBuildRecord about `asked`. `request` tells a list
/// that has ended from one that is missing.
Result<Page> parse_build_page(std::string_view body, const RepositoryRef& asked,
                              const PageRequest& request, const BuildStatusMap& statuses);

/// GetRepoBuildRecord for `id`. Its `Status` may be just "true", as in the documented sample, which
/// tells nothing of the build.
Result<Record> parse_build_record(std::string_view body, const RepositoryRef& asked,
                                  const std::string& id, const BuildStatusMap& statuses);

Result<cloud::ListedRepositories> parse_repository_page(std::string_view body,
                                                        const PageRequest& request);

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
