#pragma once

#include "exporter/base/result.h"
#include "exporter/model/cloud.h"
#include "exporter/model/repository.h"
#include "exporter/net/http_transport.h"

/// The answers about image synchronisation of SWR (v2 "manage" API). Nothing outside of this file
/// knows their oddities:
///  - a page is a bare list, in camelCase; its total stands in a header alone;
///  - there is no end: a job lasts from its creation to its last change;
///  - a job that ran out of time has failed; one that found the image in place (`existed`) has
///    ended otherwise.
/// Not documented, and so not relied on: how long jobs stay in the list, the largest page, whether
/// synchronisations that somebody started by hand are listed. Pure. Errors: malformed.
namespace registry_exporter::swr {

/// One answer of ShowSyncJob about `asked`.
Result<Page> parse_sync_page(const net::HttpResponse& response, const RepositoryRef& asked,
                             const PageRequest& request = {});

/// The repository has no rule for synchronisation, and so no jobs.
bool has_no_sync_rule(const Error& error);

}  // namespace registry_exporter::swr
