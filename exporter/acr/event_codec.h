#pragma once

#include <string_view>

#include "exporter/base/result.h"
#include "exporter/model/cloud.h"
#include "exporter/model/notice.h"

/// The event centre of the `cr` API, version 2018-12-01. Nothing outside of this file knows its
/// oddities:
///  - it lists what was told to somebody: an instance without event rules has an empty list, and a
///    rule may leave out namespaces, repositories and tags;
///  - an event that several rules match is listed several times;
///  - an event names its repository, but neither the build nor how it ended.
/// Not documented, and so not relied on: the order of the list, how long events stay in it, how
/// late they come. Pure. Errors: malformed.
namespace registry_exporter::acr {

/// One answer of ListEventCenterRecord. Events of other kinds, and those without an id or a
/// repository, are left out.
Result<NoticePage> parse_event_page(std::string_view body, const PageRequest& request);

}  // namespace registry_exporter::acr
