#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/cloud/namespace_discovery.h"
#include "exporter/model/cloud.h"
#include "exporter/model/record.h"
#include "exporter/model/repository.h"
#include "exporter/net/http_transport.h"

/// The answers of SWR (v2 "manage" API). Nothing outside of this file knows their oddities:
///  - numbers come as strings and the other way round; a rule is JSON within a string;
///  - times are RFC 3339 with 0 to 9 digits of a fraction; outside [2000, 2100) is no time;
///  - a page may be [], null or missing; totals stand in the body, in each row, or in a header;
///  - one odd field never makes the page unreadable; a page of another repository always is.
/// All functions are pure. They read answers that are no refusals. Errors: malformed.
namespace registry_exporter::swr {

/// One answer of ListRetentionHistories about `asked`.
Result<Page> parse_history_page(const net::HttpResponse& response, const RepositoryRef& asked,
                                const PageRequest& request = {});

Result<cloud::ListedRepositories> parse_repository_page(std::string_view body);

/// Names of organisations.
Result<std::vector<std::string>> parse_namespaces(std::string_view body);

/// Each rule once, because each becomes a series.
Result<std::vector<RetentionRule>> parse_retentions(std::string_view body);

/// The `template` of a rule that is JSON within a string.
Outcome outcome_of_rule(std::string_view rule_type);

}  // namespace registry_exporter::swr
