#pragma once

#include <optional>
#include <string_view>

#include "exporter/swr_ee/executions.h"

/// What the raw `status` of an execution or a task means. Pure.
namespace registry_exporter::swr_ee {

/// What is known of a status by its word alone.
enum class StatusWord { open, success, failed, stopped, unknown };

/// The words of SWR's documents (Succeed, InProgress, …) and of Harbor's (Success, Running, Error,
/// …), whatever their case and whether in one word, with blanks, hyphens or underscores. No
/// document has a complete list.
StatusWord status_word(std::string_view raw);

/// How a run with that status ended; nullopt: it is open. A known status decides alone; an unknown
/// one is open until the run has an end.
std::optional<RunEnd> end_of(StatusWord word, bool has_end_time);

}  // namespace registry_exporter::swr_ee
