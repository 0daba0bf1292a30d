#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exporter/config/config.h"

/// Reads YAML strictly: every key is requested by name; the remaining ones are reported with their
/// lines. For config/ and web/web_config only.
namespace registry_exporter::config {

/// The problems of one file.
class Problems {
 public:
  void add(const YAML::Node& at, std::string message);
  std::vector<ConfigProblem> sorted() const;  ///< In the order of their lines.
  bool empty() const { return found_.empty(); }

 private:
  std::vector<ConfigProblem> found_;
};

/// What all sections of a file share.
struct SectionContext {
  Problems& problems;
  const Environment& environment;
};

/// A value of a list, with its variables replaced.
struct ListItem {
  std::string value;
  YAML::Node node;  ///< As written: for messages.
};

/// A key that is not allowed here, and advice on it.
using Advice = std::vector<std::pair<std::string, std::string>>;

/// One mapping of the file. Problems are reported at the line of the key (in a list: of the item).
class Section {
 public:
  /// `name`: for messages ("collection", "registries[0]"; "" for the whole file). `at`: the place
  /// to report problems of the whole section. A null is an empty mapping; anything else that is not
  /// a mapping is one problem, and then every key is absent. Merge keys (`<<: *base`) are followed:
  /// keys of the mapping itself win, then those of the mapping named first.
  Section(const YAML::Node& node, const YAML::Node& at, std::string name, SectionContext context);

  const std::string& name() const { return name_; }
  std::string name_of(const std::string& key) const;
  const SectionContext& context() const { return context_; }
  bool is_mapping() const { return is_mapping_; }  ///< Also true for null.
  bool has(const std::string& key) const { return entries_.contains(key); }
  /// The key's value, marked as known; undefined when absent.
  YAML::Node get(const std::string& key);
  std::vector<std::string> keys() const;

  /// A nested mapping; nullopt if absent.
  std::optional<Section> section(const std::string& key);

  // Scalars: nullopt if absent or wrong (then a problem was added).
  std::optional<std::string> text(const std::string& key);
  std::optional<std::string> text_not_empty(const std::string& key);
  std::optional<Millis> duration(const std::string& key, bool zero_allowed);
  std::optional<bool> boolean(const std::string& key);
  std::optional<double> number(const std::string& key);
  std::optional<int> integer(const std::string& key, int least, int most);
  /// "", and a problem, when it is absent or empty or more than one line.
  std::string required_text(const std::string& key);
  /// `key` in place, or `key_file`; a problem when both are given.
  SecretSource secret(const std::string& key);
  bool has_secret(const std::string& key) const { return has(key) || has(key + "_file"); }

  /// A list of scalars; nullopt when absent, null, or no list.
  std::optional<std::vector<ListItem>> list(const std::string& key);
  /// A scalar with its `${NAME}` replaced; nullopt with a problem at `at` when it is none.
  std::optional<std::string> scalar(const YAML::Node& node, const YAML::Node& at,
                                    const std::string& what);

  /// `message` follows the name of the key ("collection.lookback" + " must be …").
  void problem(const std::string& key, const std::string& message);
  /// `message` follows the name of the section.
  void problem_here(const std::string& message);
  /// Adds no problem if the section is not a mapping, which is one already.
  void missing(const std::string& key);
  /// To be called last: reports keys that were not requested. `advice`: for keys that exist, but
  /// not here. False if there were any.
  bool refuse_the_rest(const Advice& advice = {});

 private:
  struct Entry {
    YAML::Node key, value;
  };
  const Entry* find(const std::string& key);
  void read_entries(const YAML::Node& mapping);
  void merge(const YAML::Node& at, const YAML::Node& value);
  void add_missing(const YAML::Node& mapping);

  YAML::Node at_;
  std::string name_;
  SectionContext context_;
  bool is_mapping_ = true;
  std::map<std::string, Entry> entries_;
  std::set<std::string> known_;
  int merges_ = 0;
};

/// A whole text as a finite number; nullopt for anything else. Pure.
std::optional<double> parse_number(const std::string& text);

/// Whether a text has no control characters: it fits in a header, a label, a line. Pure.
bool is_one_line(const std::string& text);

}  // namespace registry_exporter::config
