#pragma once

#include <string>
#include <vector>

/// What is wrong with a configuration file, and how it is said.
namespace registry_exporter::config {

/// One thing wrong with a file. `line` is 1-based; 0 when no line can be named.
struct ConfigProblem {
  int line = 0;
  std::string message;  ///< Says what to change; never a secret.
  bool operator==(const ConfigProblem&) const = default;
};

/// `file:line: message`, a line for each problem, each ended by a newline.
std::string lines_of(const std::string& file, const std::vector<ConfigProblem>& problems);

/// One line for the log: the problem to look at first, and how many others there are. Not for none.
std::string summary_of(const std::string& file, const std::vector<ConfigProblem>& problems);

}  // namespace registry_exporter::config
