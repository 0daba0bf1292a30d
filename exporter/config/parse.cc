#include <algorithm>
#include <cctype>
#include <set>

#include "exporter/base/duration.h"
#include "exporter/base/text.h"
#include "exporter/config/config.h"
#include "exporter/config/documents.h"
#include "exporter/config/endpoint.h"
#include "exporter/config/filter.h"
#include "exporter/config/registry_section.h"
#include "exporter/config/spelling.h"
#include "exporter/config/yaml_section.h"

namespace registry_exporter::config {
namespace {

constexpr int kRepositoriesMost = 1'000'000;
constexpr std::size_t kLabelNamesMost = 10;
constexpr double kBucketMost = 1e12;  ///< Seconds.

template <class T>
void assign(T& target, std::optional<T> value) {
  if (value) target = *std::move(value);
}

CollectionConfig read_collection(Section section) {
  CollectionConfig config;
  assign(config.min_interval, section.duration("min_interval", true));
  assign(config.scrape_timeout, section.duration("scrape_timeout", false));
  assign(config.lookback, section.duration("lookback", false));
  assign(config.sweep_interval, section.duration("sweep_interval", false));
  assign(config.discovery_interval, section.duration("discovery_interval", false));
  assign(config.max_staleness, section.duration("max_staleness", false));
  if (const auto history = section.text("initial_history")) {
    if (*history == "count") {
      config.initial_history = InitialHistory::count;
    } else if (*history != "baseline") {
      section.problem("initial_history", " must be baseline or count");
    }
  }
  section.refuse_the_rest();
  return config;
}

void read_windows(Section& section, MetricsConfig& config, Millis lookback) {
  const auto items = section.list("windows");
  if (!items) {
    // The default windows that fit into a short lookback.
    std::erase_if(config.windows, [lookback](Millis window) { return window > lookback; });
    return;
  }
  config.windows.clear();
  for (const ListItem& item : *items) {
    const auto problem = [&](const std::string& message) {
      section.context().problems.add(item.node,
                                     "metrics.windows: " + in_quotes(item.node.Scalar()) + message);
    };
    const auto window = parse_duration(item.value);
    const auto& before = config.windows;
    if (!window || *window <= Millis{0}) {
      problem(" is not a duration above 0");
    } else if (*window > lookback) {
      problem(" is longer than collection.lookback (" + format_duration(lookback) + ")");
    } else if (std::find(before.begin(), before.end(), *window) != before.end()) {
      problem(" is given twice");
    } else {
      config.windows.push_back(*window);
      config.window_names[*window] = item.value;
    }
  }
}

void read_buckets(Section& section, MetricsConfig& config) {
  const auto items = section.list("build_duration_buckets");
  if (!items) return;
  config.build_duration_buckets.clear();
  for (const ListItem& item : *items) {
    const auto problem = [&](const std::string& message) {
      section.context().problems.add(item.node, "metrics.build_duration_buckets" + message);
    };
    const auto bound = parse_number(item.value);
    const auto& before = config.build_duration_buckets;
    const std::string shown = in_quotes(item.node.Scalar());
    if (!bound || *bound <= 0 || *bound > kBucketMost) {
      problem(": " + shown + " is not a number of seconds above 0");
    } else if (!before.empty() && *bound <= before.back()) {
      problem(" must be strictly increasing: " + shown + " is not more than the one before");
    } else {
      config.build_duration_buckets.push_back(*bound);
    }
  }
  if (items->empty()) section.problem("build_duration_buckets", " must not be empty");
}

std::optional<StatusMeaning> status_meaning(const std::string& word) {
  if (word == "success") return StatusMeaning::success;
  if (word == "failed") return StatusMeaning::failed;
  if (word == "canceled") return StatusMeaning::canceled;
  if (word == "other") return StatusMeaning::other;
  if (word == "open") return StatusMeaning::open;
  return std::nullopt;
}

/// Statuses are compared without regard to case.
std::map<std::string, StatusMeaning> read_statuses(Section section) {
  std::map<std::string, StatusMeaning> statuses;
  for (const std::string& key : section.keys()) {
    const auto word = section.text(key);
    if (!word) continue;
    const auto meaning = status_meaning(*word);
    if (!meaning) {
      section.problem(key, " must be success, failed, canceled, other or open");
      continue;
    }
    const std::string status = upper(trim(key));
    if (status.empty() || !is_one_line(status)) {
      section.problem_here(": a status must be a word");
    } else if (!statuses.emplace(status, *meaning).second) {
      section.problem(key, " is given twice; case does not matter");
    }
  }
  return statuses;
}

std::vector<std::string> read_disabled(Section& section, const KnownFamily& known_family) {
  std::vector<std::string> families;
  for (const ListItem& item : section.list("disabled").value_or(std::vector<ListItem>{})) {
    if (!known_family(item.value)) {
      section.context().problems.add(item.node, "metrics.disabled: there is no metric family " +
                                                    in_one_line(item.node.Scalar()));
    }
    families.push_back(item.value);
  }
  return families;
}

bool is_label_name(const std::string& name) {
  const bool digit_first = !name.empty() && name.front() >= '0' && name.front() <= '9';
  return !name.empty() && !digit_first && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::map<std::string, std::string> read_labels(Section section) {
  std::map<std::string, std::string> labels;
  for (const std::string& name : section.keys()) {
    if (!is_label_name(name)) {
      section.problem(name, " is no label name: use letters, digits and _, not a digit first");
      continue;
    }
    const auto value = section.text_not_empty(name);
    if (value && !is_one_line(*value)) section.problem(name, " must be one line");
    if (value && !is_utf8(*value)) section.problem(name, " is not UTF-8");
    labels.emplace(name, value.value_or(""));
  }
  if (section.is_mapping() && section.keys().empty()) {
    section.problem_here(" must name a label at least, as in {team: alpha}");
  }
  return labels;
}

LabelRule read_label_rule(Section section) {
  LabelRule rule;
  rule.match = section.required_text("match");
  if (const std::string error = pattern_error(rule.match); !error.empty()) {
    section.problem("match", ": " + in_quotes(section.get("match").Scalar()) +
                                 " is no pattern: " + in_one_line(error));
  }
  if (auto labels = section.section("labels")) {
    rule.labels = read_labels(*labels);
  } else {
    section.missing("labels");
  }
  section.refuse_the_rest();
  return rule;
}

std::vector<LabelRule> read_repository_labels(Section& section) {
  const std::string key = "repository_labels";
  const YAML::Node node = section.get(key);
  if (!node.IsDefined() || node.IsNull()) return {};
  if (!node.IsSequence()) {
    section.problem(key, " must be a list of {match: …, labels: {…}}");
    return {};
  }
  std::vector<LabelRule> rules;
  std::set<std::string> names;
  for (const auto& item : node) {
    const std::string what = section.name_of(key) + "[" + std::to_string(rules.size()) + "]";
    rules.push_back(read_label_rule(Section(item, item, what, section.context())));
    const bool were_few = names.size() <= kLabelNamesMost;
    for (const auto& [name, value] : rules.back().labels) names.insert(name);
    if (were_few && names.size() > kLabelNamesMost) {
      section.context().problems.add(item, what + ": more than " + std::to_string(kLabelNamesMost) +
                                               " label names in all rules together");
    }
  }
  return rules;
}

MetricsConfig read_metrics(Section section, Millis lookback, const KnownFamily& known_family) {
  MetricsConfig config;
  read_windows(section, config, lookback);
  read_buckets(section, config);
  if (auto statuses = section.section("build_statuses")) {
    config.build_statuses = read_statuses(*statuses);
  }
  assign(config.created_timestamps, section.boolean("created_timestamps"));
  config.disabled = read_disabled(section, known_family);
  assign(config.max_repositories, section.integer("max_repositories", 1, kRepositoriesMost));
  config.repository_labels = read_repository_labels(section);
  section.refuse_the_rest();
  return config;
}

/// An absent section reads like an empty one.
Section section_or_empty(Section& root, const std::string& key) {
  if (auto section = root.section(key)) return *section;
  return Section(YAML::Node(YAML::NodeType::Undefined), YAML::Node(YAML::NodeType::Undefined), key,
                 root.context());
}

Config read_config(Section& root, const KnownFamily& known_family) {
  Config config;
  config.collection = read_collection(section_or_empty(root, "collection"));
  Section state = section_or_empty(root, "state");
  assign(config.state_path, state.text_not_empty("path"));
  state.refuse_the_rest();
  config.metrics =
      read_metrics(section_or_empty(root, "metrics"), config.collection.lookback, known_family);
  config.registries = read_registries(root);
  root.refuse_the_rest();
  return config;
}

tl::unexpected<std::vector<ConfigProblem>> one_problem(int line, std::string message) {
  return tl::unexpected(std::vector<ConfigProblem>{{line, std::move(message)}});
}

}  // namespace

std::string_view name(Collected what) {
  switch (what) {
    case Collected::builds:
      return "builds";
    case Collected::deletions:
      return "deletions";
    case Collected::syncs:
      return "syncs";
    case Collected::retentions:
      return "retentions";
    case Collected::replications:
      return "replications";
  }
  return "";
}

std::string RegistryConfig::identity() const {
  if (const auto* acr = std::get_if<AcrConfig>(&cloud)) {
    return name + "\nacr\n" + acr->instance_id;
  }
  const auto& swr = std::get<SwrConfig>(cloud);
  if (swr.is_enterprise) return name + "\nswr_ee\n" + swr.instance_id;
  return name + "\nswr\n" + region + "\n" + swr.project_id;
}

std::vector<Collected> RegistryConfig::default_collect() const {
  if (is_acr()) return {Collected::builds};
  if (is_swr_ee()) return {Collected::retentions, Collected::replications};
  return {Collected::deletions};
}

std::string RegistryConfig::sharded_by(const std::string& full_name) const {
  const bool by_namespace = is_swr_ee() && !full_name.starts_with('/');
  return by_namespace ? full_name.substr(0, full_name.find('/')) : full_name;
}

tl::expected<Config, std::vector<ConfigProblem>> parse_config(const std::string& text,
                                                              const Environment& environment,
                                                              const KnownFamily& known_family) {
  Problems problems;
  try {
    const YAML::Node document = YAML::Load(text);
    if (!document.IsMap()) {
      return one_problem(1, "the file must be a mapping with the key registries at least");
    }
    if (const auto line = second_document(text)) {
      return one_problem(*line, "a second document begins here; the file must be one");
    }
    Section root(document, document, "", SectionContext{problems, environment});
    Config config = read_config(root, known_family);
    if (problems.empty()) return config;
    return tl::unexpected(problems.sorted());
  } catch (const YAML::Exception& exception) {
    return one_problem(exception.mark.line + 1, "this is no YAML: " + in_one_line(exception.msg));
  }
}

}  // namespace registry_exporter::config
