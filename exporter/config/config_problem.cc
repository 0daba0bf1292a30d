#include "exporter/config/config_problem.h"

#include <algorithm>

namespace registry_exporter::config {
namespace {

std::string line_of(const std::string& file, const ConfigProblem& problem) {
  const std::string line = problem.line > 0 ? ":" + std::to_string(problem.line) : "";
  return file + line + ": " + problem.message;
}

}  // namespace

std::string lines_of(const std::string& file, const std::vector<ConfigProblem>& problems) {
  std::string lines;
  for (const ConfigProblem& problem : problems) lines += line_of(file, problem) + '\n';
  return lines;
}

/// An unknown key goes first: a missing key is often the same one, misspelled.
std::string summary_of(const std::string& file, const std::vector<ConfigProblem>& problems) {
  const auto unknown = std::find_if(problems.begin(), problems.end(), [](const auto& problem) {
    return problem.message.find("unknown") != std::string::npos;
  });
  const ConfigProblem& shown = unknown == problems.end() ? problems.front() : *unknown;
  const std::size_t others = problems.size() - 1;
  return line_of(file, shown) +
         (others == 0 ? "" : " (and " + std::to_string(others) + " more: see --config.check)");
}

}  // namespace registry_exporter::config
