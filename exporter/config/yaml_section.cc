#include "exporter/config/yaml_section.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "exporter/base/duration.h"
#include "exporter/config/spelling.h"

namespace registry_exporter::config {
namespace {

constexpr int kMergesMax = 100;

bool is_variable_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// `raw` with every ${NAME} replaced. Values of variables are not expanded again.
tl::expected<std::string, std::string> expand(const std::string& raw,
                                              const Environment& environment) {
  std::string text;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t found = raw.find("${", begin);
    text += raw.substr(begin, found - begin);
    if (found == std::string::npos) return text;
    const std::size_t end = raw.find('}', found);
    const std::string name = end == std::string::npos ? "" : raw.substr(found + 2, end - found - 2);
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_variable_char)) {
      return tl::unexpected<std::string>("${…} must hold the name of an environment variable");
    }
    const std::optional<std::string> value = environment(name);
    if (!value) return tl::unexpected("environment variable " + name + " is not set");
    text += *value;
    begin = end + 1;
  }
}

/// In quotes it is an ordinary key.
bool is_merge_key(const YAML::Node& key) { return key.Scalar() == "<<" && key.Tag() != "!"; }

}  // namespace

std::optional<double> parse_number(const std::string& text) {
  double parsed = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, parsed);
  if (text.empty() || error != std::errc{} || end != last || !std::isfinite(parsed)) {
    return std::nullopt;
  }
  return parsed;
}

bool is_one_line(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

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

Section::Section(const YAML::Node& node, const YAML::Node& at, std::string name,
                 SectionContext context)
    : at_(at), name_(std::move(name)), context_(context) {
  if (!node.IsDefined() || node.IsNull()) return;
  is_mapping_ = node.IsMap();
  if (!is_mapping_) {
    problem_here(" must be a mapping of keys to values");
    return;
  }
  read_entries(node);
}

void Section::read_entries(const YAML::Node& mapping) {
  const std::string where = name_.empty() ? "" : name_ + ": ";
  std::vector<std::pair<YAML::Node, YAML::Node>> merges;
  // yaml-cpp keeps duplicate keys and finds the first.
  for (const auto& entry : mapping) {
    if (!entry.first.IsScalar()) {
      context_.problems.add(entry.first, where + "a key must be a word");
    } else if (is_merge_key(entry.first)) {
      merges.emplace_back(entry.first, entry.second);
    } else if (const std::string& key = entry.first.Scalar();
               !entries_.emplace(key, Entry{entry.first, entry.second}).second) {
      context_.problems.add(entry.first, where + in_one_line(key) + " is given twice");
    }
  }
  for (const auto& [at, value] : merges) merge(at, value);
}

/// A mapping, or a list of them: https://yaml.org/type/merge.html.
void Section::merge(const YAML::Node& at, const YAML::Node& value) {
  const auto is_mapping = [](const auto& item) { return item.IsMap(); };
  const bool is_list = value.IsSequence() && std::all_of(value.begin(), value.end(), is_mapping);
  const std::string where = name_.empty() ? "" : name_ + ": ";
  if (!is_list && !value.IsMap()) {
    context_.problems.add(at, where +
                                  "<< must be followed by a mapping, as in <<: *base, or a list "
                                  "of them");
    return;
  }
  // An anchor may contain itself, and nested lists of merges grow exponentially.
  if (++merges_ == kMergesMax) context_.problems.add(at, where + "<< leads to too many mappings");
  if (merges_ >= kMergesMax) return;
  if (value.IsMap()) return add_missing(value);
  for (const auto& item : value) add_missing(item);
}

/// Adds keys of `mapping`, and of those merged into it, that the section lacks.
void Section::add_missing(const YAML::Node& mapping) {
  for (const auto& entry : mapping) {
    const bool plain = entry.first.IsScalar() && !is_merge_key(entry.first);
    if (plain) entries_.emplace(entry.first.Scalar(), Entry{entry.first, entry.second});
  }
  for (const auto& entry : mapping) {
    if (entry.first.IsScalar() && is_merge_key(entry.first)) merge(entry.first, entry.second);
  }
}

std::string Section::name_of(const std::string& key) const {
  return name_.empty() ? key : name_ + "." + key;
}

const Section::Entry* Section::find(const std::string& key) {
  known_.insert(key);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

YAML::Node Section::get(const std::string& key) {
  const Entry* const entry = find(key);
  return entry == nullptr ? YAML::Node(YAML::NodeType::Undefined) : entry->value;
}

std::vector<std::string> Section::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, entry] : entries_) keys.push_back(key);
  return keys;
}

void Section::problem(const std::string& key, const std::string& message) {
  const Entry* const entry = find(key);
  context_.problems.add(entry == nullptr ? at_ : entry->key, name_of(key) + message);
}

void Section::problem_here(const std::string& message) {
  context_.problems.add(at_, (name_.empty() ? "the file" : name_) + message);
}

void Section::missing(const std::string& key) {
  known_.insert(key);
  if (is_mapping_) problem_here(": " + key + " is missing");
}

std::optional<Section> Section::section(const std::string& key) {
  const Entry* const entry = find(key);
  if (entry == nullptr) return std::nullopt;
  return Section(entry->value, entry->key, name_of(key), context_);
}

std::optional<std::string> Section::scalar(const YAML::Node& node, const YAML::Node& at,
                                           const std::string& what) {
  if (!node.IsScalar()) {
    context_.problems.add(at, what + (node.IsNull() ? " has no value" : " must be a single value"));
    return std::nullopt;
  }
  auto text = expand(node.Scalar(), context_.environment);
  if (text) return *std::move(text);
  context_.problems.add(at, what + ": " + text.error());
  return std::nullopt;
}

std::optional<std::string> Section::text(const std::string& key) {
  const Entry* const entry = find(key);
  if (entry == nullptr) return std::nullopt;
  return scalar(entry->value, entry->key, name_of(key));
}

std::optional<std::string> Section::text_not_empty(const std::string& key) {
  auto value = text(key);
  if (!value || !value->empty()) return value;
  problem(key, " must not be empty");
  return std::nullopt;
}

std::string Section::required_text(const std::string& key) {
  if (!has(key)) {
    missing(key);
    return {};
  }
  const auto value = text_not_empty(key);
  if (value && !is_one_line(*value)) problem(key, " must be one line");
  return value.value_or("");
}

std::optional<Millis> Section::duration(const std::string& key, bool zero_allowed) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const std::optional<Millis> parsed = parse_duration(*value);
  if (!parsed) {
    problem(key, ": " + in_quotes(get(key).Scalar()) +
                     " is not a duration; write it like 500ms, 15s, 10m, 1h30m, 30d");
  } else if (!zero_allowed && *parsed <= Millis{0}) {
    problem(key, " must be more than 0");
    return std::nullopt;
  }
  return parsed;
}

std::optional<bool> Section::boolean(const std::string& key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  if (*value == "true" || *value == "false") return *value == "true";
  problem(key, " must be true or false");
  return std::nullopt;
}

std::optional<double> Section::number(const std::string& key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const std::optional<double> parsed = parse_number(*value);
  if (!parsed) problem(key, ": " + in_quotes(get(key).Scalar()) + " is not a number");
  return parsed;
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

SecretSource Section::secret(const std::string& key) {
  const std::string file_key = key + "_file";
  SecretSource source;
  if (const auto value = text_not_empty(key)) {
    source.value = Secret(*value);
    source.is_written_out = get(key).Scalar().find("${") == std::string::npos;
    if (!is_one_line(*value)) problem(key, " must be one line");
  }
  if (const auto file = text_not_empty(file_key)) source.file = *file;
  if (has(key) && has(file_key)) {
    problem(file_key, " and " + key + " are both given; keep one");
  }
  return source;
}

std::optional<std::vector<ListItem>> Section::list(const std::string& key) {
  const Entry* const entry = find(key);
  if (entry == nullptr || entry->value.IsNull()) return std::nullopt;
  if (!entry->value.IsSequence()) {
    problem(key, " must be a list");
    return std::nullopt;
  }
  std::vector<ListItem> items;
  for (const auto& item : entry->value) {
    auto value = scalar(item, item.IsNull() ? entry->key : item, name_of(key) + ": an item");
    if (value) items.push_back({*std::move(value), item});
  }
  return items;
}

bool Section::refuse_the_rest(const Advice& advice) {
  bool all_known = true;
  const std::vector<std::string> known(known_.begin(), known_.end());
  for (const auto& [key, entry] : entries_) {
    if (known_.contains(key)) continue;
    all_known = false;
    const std::string where = name_.empty() ? "" : name_ + ": ";
    const auto found = std::find_if(advice.begin(), advice.end(),
                                    [&key = key](const auto& each) { return each.first == key; });
    if (found != advice.end()) {
      context_.problems.add(entry.key, where + key + " " + found->second);
    } else {
      context_.problems.add(entry.key,
                            where + "unknown key " + in_one_line(key) + did_you_mean(key, known));
    }
  }
  return all_known;
}

}  // namespace registry_exporter::config
