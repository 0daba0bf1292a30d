#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace registry_exporter::simulator {

/// Reads all lists of the demo instance of SWR Enterprise Edition to their ends and counts, in the
/// form of the truth. `get`: the body of an answer to a signed GET. `rows`: grows by those read.
nlohmann::ordered_json walk_instance(
    const std::function<nlohmann::ordered_json(const std::string& target)>& get,
    std::size_t page_size, std::size_t& rows);

}  // namespace registry_exporter::simulator
