#pragma once

#include "exporter/engine.h"

namespace registry_exporter {

/// The real clouds over libcurl: a third cloud is one line in it.
CloudFactory real_clouds();

}  // namespace registry_exporter
