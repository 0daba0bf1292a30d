#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/simulator/ee_world.h"
#include "tests/simulator/wire.h"

namespace registry_exporter::simulator {

/// A request that the gateway let in.
struct EeCall {
  const WireRequest& request;
  UnixMillis now;
  Lies lies;
  std::vector<std::string> path;  ///< Segments, decoded: v2 PROJECT instances [INSTANCE …].
  QueryPairs query;
  std::string project_id;  ///< The caller's.
};

/// Whether a path is one of SWR Enterprise Edition.
bool is_ee_path(const std::vector<std::string>& path);

/// The API of SWR Enterprise Edition (/v2/{project_id}/instances/…) over an instance: its lists of
/// repositories, policies and executions, and the tasks of a retention execution. With
/// `Lies::loose` an answer is in the words and types that Harbor has, whose kin the instance is.
/// Source of shapes: public API pages, the official clients, and Harbor.
net::HttpResponse answer_ee(const EeWorld& world, const WorldOptions& options, const EeCall& call);

/// The operation that a path belongs to, by the cloud's own name; "" if there is none.
std::string_view ee_operation(std::string_view raw_path);

}  // namespace registry_exporter::simulator
