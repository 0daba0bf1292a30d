#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/config/config.h"

/// Reading YAML strictly: every key is asked for by name, whatever is left over is a mistake with a
/// line. For config/parse.cc only.
namespace registry_exporter {

/// The problems of one file, in the order of their lines at the end.
class Problems {
 public:
  void add(const YAML::Node& at, std::string message);
  std::vector<ConfigProblem> sorted() const;
  bool empty() const { return found_.empty(); }

 private:
  std::vector<ConfigProblem> found_;
};

/// One mapping of the file.
class Section {
 public:
  /// `name`: how messages call it ("collection", "registries[0]"). A node that is no mapping is a
  /// problem, and then every key looks absent.
  Section(const YAML::Node& node, std::string name, Problems& problems,
          const Environment& environment);

  const std::string& name() const { return name_; }
  bool has(const std::string& key) const;
  YAML::Node node() const { return node_; }
  /// The key's node; marks the key as known. Undefined when absent or null.
  YAML::Node get(const std::string& key);
  /// A sub-mapping; nullopt when absent.
  std::optional<Section> section(const std::string& key);

  /// Scalars: nullopt when absent, or wrong (then a problem was added).
  std::optional<std::string> text(const std::string& key);
  std::optional<Millis> duration(const std::string& key, bool zero_allowed);
  std::optional<bool> boolean(const std::string& key);
  std::optional<double> number(const std::string& key);
  std::optional<int> integer(const std::string& key, int least, int most);
  std::optional<std::vector<std::string>> texts(const std::string& key);
  /// A problem when the key is absent.
  std::string required_text(const std::string& key);
  /// `key` in place, or `key_file`; a problem when both are given.
  SecretSource secret(const std::string& key);

  void problem(const std::string& key, const std::string& message);
  /// Call at last: whatever was not asked for is unknown. `elsewhere`: keys that exist, but not
  /// here, and why not.
  void refuse_the_rest(const std::vector<std::pair<std::string, std::string>>& elsewhere = {});

  /// A scalar with its `${NAME}` replaced; nullopt with a problem when it is no scalar.
  std::optional<std::string> scalar(const YAML::Node& node, const std::string& what);

 private:
  YAML::Node node_;
  std::string name_;
  Problems& problems_;
  const Environment& environment_;
  std::set<std::string> known_;
  std::set<std::string> present_;
};

}  // namespace registry_exporter
