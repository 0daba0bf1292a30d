#include "exporter/swr_ee/run_status.h"

#include <string>

#include "exporter/base/text.h"

namespace registry_exporter::swr_ee {
namespace {

struct Spelling {
  std::string_view word;  ///< In lower case, letters only.
  StatusWord meaning;
};

constexpr Spelling kSpellings[] = {
    {"initialized", StatusWord::open}, {"pending", StatusWord::open},
    {"scheduled", StatusWord::open},   {"inprogress", StatusWord::open},
    {"running", StatusWord::open},     {"succeed", StatusWord::success},
    {"success", StatusWord::success},  {"succeeded", StatusWord::success},
    {"failed", StatusWord::failed},    {"error", StatusWord::failed},
    {"stopped", StatusWord::stopped},
};

constexpr std::size_t kWordBytesMax = 64;

}  // namespace

StatusWord status_word(std::string_view raw) {
  std::string word;
  for (const char c : cut_utf8(raw, kWordBytesMax)) {
    const bool joins = c == ' ' || c == '_' || c == '-';
    if (!joins) word += lower(c);
  }
  for (const Spelling& each : kSpellings) {
    if (each.word == word) return each.meaning;
  }
  return StatusWord::unknown;
}

std::optional<RunEnd> end_of(StatusWord word, bool has_end_time) {
  switch (word) {
    case StatusWord::success:
      return RunEnd::success;
    case StatusWord::failed:
      return RunEnd::failed;
    case StatusWord::stopped:
      return RunEnd::stopped;
    case StatusWord::unknown:
      return has_end_time ? std::optional(RunEnd::other) : std::nullopt;
    case StatusWord::open:
      break;
  }
  return std::nullopt;
}

}  // namespace registry_exporter::swr_ee
