#include "exporter/config/yaml_section.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "exporter/base/duration.h"

namespace registry_exporter {
namespace {

constexpr std::size_t kLikenessMax = 2;  ///< Typing mistakes that "did you mean" forgives.

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string did_you_mean(const std::string& key, const std::set<std::string>& known) {
  const std::string* nearest = nullptr;
  std::size_t distance = kLikenessMax + 1;
  for (const std::string& candidate : known) {
    const std::size_t each = edit_distance(key, candidate);
    if (each < distance) {
      distance = each;
      nearest = &candidate;
    }
  }
  return nearest == nullptr ? "" : "; did you mean " + *nearest + "?";
}

bool is_name(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

void Problems::add(const YAML::Node& at, std::string message) {
  const int line = at.IsDefined() ? at.Mark().line + 1 : 0;
  found_.push_back({line, std::move(message)});
}

std::vector<ConfigProblem> Problems::sorted() const {
  std::vector<ConfigProblem> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  return sorted;
}

Section::Section(const YAML::Node& node, std::string name, Problems& problems,
                 const Environment& environment)
    : node_(node), name_(std::move(name)), problems_(problems), environment_(environment) {
  if (!node.IsDefined() || node.IsNull()) return;
  if (!node.IsMap()) {
    problems_.add(node, name_ + " must be a mapping of keys to values");
    node_ = YAML::Node();
    return;
  }
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) {
      problems_.add(entry.first, name_ + ": a key must be a word");
    } else if (!present_.insert(entry.first.Scalar()).second) {
      const std::string where = name_.empty() ? "" : name_ + ": ";
      problems_.add(entry.first, where + entry.first.Scalar() + " is given twice");
    }
  }
}

bool Section::has(const std::string& key) const { return present_.contains(key); }

YAML::Node Section::get(const std::string& key) {
  known_.insert(key);
  if (!present_.contains(key)) return YAML::Node(YAML::NodeType::Undefined);
  for (const auto& entry : node_) {
    if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.second;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

std::optional<Section> Section::section(const std::string& key) {
  const YAML::Node node = get(key);
  if (!node.IsDefined()) return std::nullopt;
  return Section(node, name_.empty() ? key : name_ + "." + key, problems_, environment_);
}

std::optional<std::string> Section::scalar(const YAML::Node& node, const std::string& what) {
  if (!node.IsScalar()) {
    problems_.add(node, what + " must be a single value");
    return std::nullopt;
  }
  const std::string& raw = node.Scalar();
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '$' || i + 1 >= raw.size() || raw[i + 1] != '{') {
      text.push_back(raw[i]);
      continue;
    }
    const std::size_t end = raw.find('}', i);
    const std::string name = end == std::string::npos ? "" : raw.substr(i + 2, end - i - 2);
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_name)) {
      problems_.add(node, what + ": ${…} must hold the name of an environment variable");
      return std::nullopt;
    }
    const std::optional<std::string> value = environment_(name);
    if (!value) {
      problems_.add(node, what + ": environment variable " + name + " is not set");
      return std::nullopt;
    }
    text += *value;
    i = end;
  }
  return text;
}

void Section::problem(const std::string& key, const std::string& message) {
  const YAML::Node node = get(key);
  const std::string where = name_.empty() ? key : name_ + "." + key;
  problems_.add(node.IsDefined() ? node : node_, where + message);
}

std::optional<std::string> Section::text(const std::string& key) {
  const YAML::Node node = get(key);
  if (!node.IsDefined()) return std::nullopt;
  return scalar(node, name_.empty() ? key : name_ + "." + key);
}

std::string Section::required_text(const std::string& key) {
  if (!has(key)) {
    known_.insert(key);
    problems_.add(node_, name_ + ": " + key + " is missing");
    return {};
  }
  const std::optional<std::string> value = text(key);
  if (value && value->empty()) problem(key, " must not be empty");
  return value.value_or("");
}

std::optional<Millis> Section::duration(const std::string& key, bool zero_allowed) {
  const std::optional<std::string> value = text(key);
  if (!value) return std::nullopt;
  const std::optional<Millis> parsed = parse_duration(*value);
  if (!parsed) {
    problem(key,
            ": \"" + *value + "\" is not a duration; write it like 500ms, 15s, 10m, 1h30m, 30d");
  } else if (!zero_allowed && *parsed <= Millis{0}) {
    problem(key, " must be more than 0");
    return std::nullopt;
  }
  return parsed;
}

std::optional<bool> Section::boolean(const std::string& key) {
  const std::optional<std::string> value = text(key);
  if (!value) return std::nullopt;
  if (*value == "true" || *value == "false") return *value == "true";
  problem(key, " must be true or false");
  return std::nullopt;
}

std::optional<double> Section::number(const std::string& key) {
  const std::optional<std::string> value = text(key);
  if (!value) return std::nullopt;
  double parsed = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), parsed);
  const bool whole = !value->empty() && end == value->data() + value->size();
  if (error == std::errc{} && whole && std::isfinite(parsed)) return parsed;
  problem(key, ": \"" + *value + "\" is not a number");
  return std::nullopt;
}

std::optional<int> Section::integer(const std::string& key, int least, int most) {
  const std::optional<double> value = number(key);
  if (!value) return std::nullopt;
  if (*value == std::floor(*value) && *value >= least && *value <= most) {
    return static_cast<int>(*value);
  }
  problem(key,
          " must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<std::vector<std::string>> Section::texts(const std::string& key) {
  const YAML::Node node = get(key);
  if (!node.IsDefined()) return std::nullopt;
  if (node.IsNull()) return std::vector<std::string>{};
  if (!node.IsSequence()) {
    problem(key, " must be a list");
    return std::nullopt;
  }
  std::vector<std::string> values;
  for (const auto& item : node) {
    if (auto value = scalar(item, name_ + "." + key)) values.push_back(std::move(*value));
  }
  return values;
}

SecretSource Section::secret(const std::string& key) {
  SecretSource source;
  const bool in_place = has(key);
  if (const auto value = text(key)) source.value = Secret(*value);
  if (const auto file = text(key + "_file")) source.file = *file;
  if (in_place && has(key + "_file")) {
    problem(key + "_file", " and " + key + " are both given; keep one");
  } else if (in_place && source.value.empty()) {
    problem(key, " must not be empty");
  } else if (has(key + "_file") && source.file.empty()) {
    problem(key + "_file", " must not be empty");
  }
  return source;
}

void Section::refuse_the_rest(const std::vector<std::pair<std::string, std::string>>& elsewhere) {
  if (!node_.IsMap()) return;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) continue;
    const std::string& key = entry.first.Scalar();
    if (known_.contains(key)) continue;
    const auto found = std::find_if(elsewhere.begin(), elsewhere.end(),
                                    [&](const auto& each) { return each.first == key; });
    const std::string where = name_.empty() ? "" : name_ + ": ";
    if (found != elsewhere.end()) {
      problems_.add(entry.first, where + key + " " + found->second);
    } else {
      problems_.add(entry.first, where + "unknown key " + key + did_you_mean(key, known_));
    }
  }
}

}  // namespace registry_exporter
