#include <algorithm>
#include <cctype>
#include <map>

#include "exporter/base/duration.h"
#include "exporter/config/config.h"
#include "exporter/config/filter.h"
#include "exporter/config/yaml_section.h"

namespace registry_exporter {
namespace {

constexpr int kRepositoriesMost = 1'000'000;
constexpr int kConcurrencyMost = 256;
constexpr double kRateMost = 10'000;

template <class T>
void assign(T& target, std::optional<T> value) {
  if (value) target = std::move(*value);
}

std::string trimmed(std::string text) {
  const auto blank = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), blank).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), blank));
  return text;
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
  const auto texts = section.texts("windows");
  if (!texts) return;
  config.windows.clear();
  for (const std::string& text : *texts) {
    const auto window = parse_duration(text);
    if (!window || *window <= Millis{0}) {
      section.problem("windows", ": \"" + text + "\" is not a duration above 0");
    } else if (*window > lookback) {
      section.problem("windows", ": " + text + " is longer than collection.lookback (" +
                                     format_duration(lookback) + ")");
    } else if (std::find(config.windows.begin(), config.windows.end(), *window) !=
               config.windows.end()) {
      section.problem("windows", ": " + text + " is given twice");
    } else {
      config.windows.push_back(*window);
      config.window_names[*window] = text;
    }
  }
}

void read_buckets(Section& section, MetricsConfig& config) {
  const auto texts = section.texts("build_duration_buckets");
  if (!texts) return;
  config.build_duration_buckets.clear();
  for (const std::string& text : *texts) {
    double bound = 0;
    std::size_t used = 0;
    try {
      bound = std::stod(text, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    const bool number = used > 0 && used == text.size() && bound > 0 && bound < 1e12;
    const auto& before = config.build_duration_buckets;
    if (!number) {
      section.problem("build_duration_buckets",
                      ": \"" + text + "\" is not a number of seconds above 0");
    } else if (!before.empty() && bound <= before.back()) {
      section.problem("build_duration_buckets",
                      " must be strictly increasing, " + text + " is not more than the one before");
    } else {
      config.build_duration_buckets.push_back(bound);
    }
  }
  if (texts->empty()) section.problem("build_duration_buckets", " must not be empty");
}

void read_statuses(Section& section, MetricsConfig& config) {
  auto statuses = section.section("build_statuses");
  if (!statuses || !statuses->node().IsMap()) return;
  static const std::map<std::string, StatusMeaning> kMeanings{{"success", StatusMeaning::success},
                                                              {"failed", StatusMeaning::failed},
                                                              {"canceled", StatusMeaning::canceled},
                                                              {"other", StatusMeaning::other},
                                                              {"open", StatusMeaning::open}};
  for (const auto& entry : statuses->node()) {
    if (!entry.first.IsScalar()) continue;
    const std::string key = entry.first.Scalar();
    const auto value = statuses->text(key);
    if (!value) continue;
    const auto meaning = kMeanings.find(*value);
    if (meaning == kMeanings.end()) {
      statuses->problem(key, " must be success, failed, canceled, other or open");
      continue;
    }
    std::string upper = trimmed(key);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    config.build_statuses[upper] = meaning->second;
  }
}

MetricsConfig read_metrics(Section section, Millis lookback, const KnownFamily& known_family) {
  MetricsConfig config;
  read_windows(section, config, lookback);
  read_buckets(section, config);
  read_statuses(section, config);
  assign(config.created_timestamps, section.boolean("created_timestamps"));
  assign(config.max_repositories, section.integer("max_repositories", 1, kRepositoriesMost));
  if (const auto disabled = section.texts("disabled")) {
    for (const std::string& family : *disabled) {
      if (!known_family(family)) {
        section.problem("disabled", ": there is no metric family " + family);
      }
    }
    config.disabled = *disabled;
  }
  section.refuse_the_rest();
  return config;
}

// ── Registries ───────────────────────────────────────────────────────────────────────────────────

/// "https://host[:port]"; a problem for anything else.
std::string read_endpoint(Section& section, const std::string& key, const std::string& otherwise) {
  const auto given = section.text(key);
  if (!given) return otherwise;
  std::string endpoint = trimmed(*given);
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const std::size_t scheme = endpoint.find("://");
  const std::string protocol = endpoint.substr(0, scheme == std::string::npos ? 0 : scheme);
  const std::string host = scheme == std::string::npos ? "" : endpoint.substr(scheme + 3);
  if (protocol != "http" && protocol != "https") {
    section.problem(key, " must begin with https:// (or http://)");
  } else if (host.empty() || host.find_first_of("/?#@ \t\r\n") != std::string::npos) {
    section.problem(key, " must be https://host or https://host:port, without a path");
  }
  return endpoint;
}

AcrCredentials read_acr_credentials(Section section) {
  AcrCredentials credentials;
  credentials.access_key_id = section.secret("access_key_id");
  credentials.access_key_secret = section.secret("access_key_secret");
  credentials.security_token = section.secret("security_token");
  if (auto role = section.section("assume_role")) {
    AcrCredentials::AssumeRole& assumed = credentials.assume_role.emplace();
    assumed.role_arn = role->required_text("role_arn");
    assign(assumed.session_name, role->text("session_name"));
    assign(assumed.external_id, role->text("external_id"));
    role->refuse_the_rest();
  }
  if (auto oidc = section.section("oidc")) {
    AcrCredentials::Oidc& given = credentials.oidc.emplace();
    given.role_arn = oidc->required_text("role_arn");
    given.provider_arn = oidc->required_text("provider_arn");
    given.token_file = oidc->required_text("token_file");
    assign(given.session_name, oidc->text("session_name"));
    oidc->refuse_the_rest();
  }
  if (section.has("ecs_ram_role")) {
    const YAML::Node role = section.get("ecs_ram_role");
    credentials.ecs_ram_role = role.IsNull() ? "" : section.text("ecs_ram_role").value_or("");
  }
  assign(credentials.credentials_uri, section.text("credentials_uri"));
  if (credentials.access_key_id.empty() != credentials.access_key_secret.empty()) {
    section.problem(credentials.access_key_id.empty() ? "access_key_secret" : "access_key_id",
                    ": access_key_id and access_key_secret go together");
  }
  const bool keys = !credentials.access_key_id.empty();
  if (!keys && !credentials.security_token.empty()) {
    section.problem("security_token", " needs access_key_id and access_key_secret");
  }
  const int forms = (keys ? 1 : 0) + (credentials.oidc ? 1 : 0) +
                    (credentials.ecs_ram_role ? 1 : 0) +
                    (credentials.credentials_uri.empty() ? 0 : 1);
  if (forms > 1) section.problem("oidc", ": more than one form of credentials is given; keep one");
  section.refuse_the_rest();
  return credentials;
}

SwrCredentials read_swr_credentials(Section section) {
  SwrCredentials credentials;
  credentials.access_key = section.secret("access_key");
  credentials.secret_key = section.secret("secret_key");
  credentials.security_token = section.secret("security_token");
  if (auto user = section.section("iam_user")) {
    SwrCredentials::IamUser& given = credentials.iam_user.emplace();
    given.domain_name = user->required_text("domain_name");
    given.user_name = user->required_text("user_name");
    given.password = user->secret("password");
    assign(given.project_name, user->text("project_name"));
    if (given.password.empty()) user->problem("password", " (or password_file) is missing");
    user->refuse_the_rest();
  }
  if (auto oidc = section.section("oidc")) {
    SwrCredentials::Oidc& given = credentials.oidc.emplace();
    given.idp_id = oidc->required_text("idp_id");
    given.token_file = oidc->required_text("token_file");
    oidc->refuse_the_rest();
  }
  assign(credentials.ecs_agency, section.boolean("ecs_agency"));
  if (credentials.access_key.empty() != credentials.secret_key.empty()) {
    section.problem(credentials.access_key.empty() ? "secret_key" : "access_key",
                    ": access_key and secret_key go together");
  }
  const bool keys = !credentials.access_key.empty();
  if (!keys && !credentials.security_token.empty()) {
    section.problem("security_token", " needs access_key and secret_key");
  }
  const int forms = (keys ? 1 : 0) + (credentials.iam_user ? 1 : 0) + (credentials.oidc ? 1 : 0) +
                    (credentials.ecs_agency ? 1 : 0);
  if (forms > 1) {
    section.problem("iam_user", ": more than one form of credentials is given; keep one");
  }
  section.refuse_the_rest();
  return credentials;
}

void read_filters(Section section, RepositoryFilters& filters) {
  const auto read = [&](const std::string& key, std::vector<std::string>& patterns) {
    assign(patterns, section.texts(key));
    for (const std::string& pattern : patterns) {
      const std::string error = pattern_error(pattern);
      if (!error.empty()) section.problem(key, ": \"" + pattern + "\" is no pattern: " + error);
    }
  };
  read("include", filters.include);
  read("exclude", filters.exclude);
  section.refuse_the_rest();
}

/// "namespace/name" (swr), or {namespace, name, id} (acr).
std::optional<StaticRepository> read_static(Section& owner, const YAML::Node& item, bool acr,
                                            Problems& problems, const Environment& environment) {
  StaticRepository repository;
  if (acr) {
    Section section(item, owner.name() + ".static_repositories", problems, environment);
    repository.repo_namespace = section.required_text("namespace");
    repository.name = section.required_text("name");
    assign(repository.id, section.text("id"));
    section.refuse_the_rest();
    return repository;
  }
  const auto text = owner.scalar(item, owner.name() + ".static_repositories");
  if (!text) return std::nullopt;
  const std::size_t slash = text->find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text->size()) {
    problems.add(item, owner.name() + ".static_repositories: write \"namespace/repository\"");
    return std::nullopt;
  }
  repository.repo_namespace = text->substr(0, slash);
  repository.name = text->substr(slash + 1);
  return repository;
}

void read_static_repositories(Section& section, bool acr, RegistryConfig& config,
                              Problems& problems, const Environment& environment) {
  const YAML::Node node = section.get("static_repositories");
  if (!node.IsDefined()) return;
  if (!node.IsSequence() || node.size() == 0) {
    section.problem("static_repositories", " must be a list that is not empty");
    return;
  }
  auto& repositories = config.static_repositories.emplace();
  for (const auto& item : node) {
    if (auto repository = read_static(section, item, acr, problems, environment)) {
      repositories.push_back(std::move(*repository));
    }
  }
}

void read_common(Section& section, bool acr, RegistryConfig& config) {
  if (auto filters = section.section("repositories")) {
    read_filters(std::move(*filters), config.repositories);
  }
  assign(config.page_size, section.integer("page_size", 1, acr ? 100 : 1000));
  if (const auto rate = section.number("requests_per_second")) {
    config.requests_per_second = *rate;
    if (*rate <= 0 || *rate > kRateMost) {
      section.problem("requests_per_second", " must be more than 0 and at most 10000");
    }
  }
  assign(config.concurrency, section.integer("concurrency", 1, kConcurrencyMost));
  assign(config.request_timeout, section.duration("request_timeout", false));
  config.sts_endpoint = read_endpoint(section, "sts_endpoint", "");
  config.metadata_endpoint = read_endpoint(section, "metadata_endpoint", "");
  if (const auto proxy = section.text("proxy_url")) {
    config.proxy_url = *proxy;
    if (!proxy->starts_with("http://") && !proxy->starts_with("https://")) {
      section.problem("proxy_url", " must begin with http:// or https://");
    }
  }
  if (auto tls = section.section("tls")) {
    assign(config.tls.ca_file, tls->text("ca_file"));
    assign(config.tls.cert_file, tls->text("cert_file"));
    assign(config.tls.key_file, tls->text("key_file"));
    assign(config.tls.server_name, tls->text("server_name"));
    if (config.tls.cert_file.empty() != config.tls.key_file.empty()) {
      tls->problem(config.tls.cert_file.empty() ? "key_file" : "cert_file",
                   ": cert_file and key_file go together");
    }
    tls->refuse_the_rest();
  }
}

const char* const kSwrOnly = "belongs to registries of type swr";
const char* const kAcrOnly = "belongs to registries of type acr";

void read_acr(Section& section, RegistryConfig& config) {
  AcrConfig acr;
  acr.instance_id = section.required_text("instance_id");
  const std::string network = section.text("network").value_or("public");
  if (network != "public" && network != "vpc") {
    section.problem("network", " must be public or vpc");
  }
  const std::string host = network == "vpc" ? "cr-vpc." : "cr.";
  config.endpoint =
      read_endpoint(section, "endpoint", "https://" + host + config.region + ".aliyuncs.com");
  if (auto credentials = section.section("credentials")) {
    config.credentials_given = true;
    acr.credentials = read_acr_credentials(std::move(*credentials));
  }
  config.cloud = std::move(acr);
}

void read_swr(Section& section, RegistryConfig& config) {
  SwrConfig swr;
  swr.project_id = section.required_text("project_id");
  const std::string domain =
      config.region == "eu-west-101" ? ".myhuaweicloud.eu" : ".myhuaweicloud.com";
  config.endpoint = read_endpoint(section, "endpoint", "https://swr-api." + config.region + domain);
  swr.iam_endpoint =
      read_endpoint(section, "iam_endpoint", "https://iam." + config.region + domain);
  if (const auto paging = section.text("paging")) {
    if (*paging == "filter") {
      swr.paging = SwrConfig::Paging::filter;
    } else if (*paging != "offset") {
      section.problem("paging", " must be offset or filter");
    }
  }
  assign(swr.collect_rules, section.boolean("collect_rules"));
  if (auto credentials = section.section("credentials")) {
    config.credentials_given = true;
    swr.credentials = read_swr_credentials(std::move(*credentials));
    if (swr.credentials.iam_user && swr.credentials.iam_user->project_name.empty()) {
      swr.credentials.iam_user->project_name = config.region;
    }
  }
  config.cloud = std::move(swr);
}

RegistryConfig read_registry(Section section, Problems& problems, const Environment& environment) {
  RegistryConfig config;
  config.name = section.required_text("name");
  const std::string type = section.required_text("type");
  config.region = trimmed(section.required_text("region"));
  if (type != "acr" && type != "swr") {
    if (!type.empty()) section.problem("type", " must be acr or swr");
    return config;  // Which other keys are right depends on it.
  }
  const bool acr = type == "acr";
  acr ? read_acr(section, config) : read_swr(section, config);
  read_common(section, acr, config);
  read_static_repositories(section, acr, config, problems, environment);
  if (acr) {
    section.refuse_the_rest({{"iam_endpoint", kSwrOnly},
                             {"project_id", kSwrOnly},
                             {"paging", kSwrOnly},
                             {"collect_rules", kSwrOnly}});
  } else {
    section.refuse_the_rest({{"instance_id", kAcrOnly}, {"network", kAcrOnly}});
  }
  return config;
}

std::vector<RegistryConfig> read_registries(const YAML::Node& node, Problems& problems,
                                            const YAML::Node& root,
                                            const Environment& environment) {
  std::vector<RegistryConfig> registries;
  if (!node.IsDefined() || node.IsNull() || (node.IsSequence() && node.size() == 0)) {
    problems.add(node.IsDefined() ? node : root, "registries: at least one registry is needed");
    return registries;
  }
  if (!node.IsSequence()) {
    problems.add(node, "registries must be a list");
    return registries;
  }
  std::map<std::string, int> names;
  for (std::size_t i = 0; i < node.size(); ++i) {
    const std::string name = "registries[" + std::to_string(i) + "]";
    registries.push_back(
        read_registry(Section(node[i], name, problems, environment), problems, environment));
    const std::string& registry = registries.back().name;
    if (!registry.empty() && ++names[registry] == 2) {
      problems.add(node[i], name + ".name: there are two registries called " + registry);
    }
  }
  return registries;
}

Config read_config(const YAML::Node& root, Problems& problems, const Environment& environment,
                   const KnownFamily& known_family) {
  Config config;
  Section section(root, "", problems, environment);
  if (auto collection = section.section("collection")) {
    config.collection = read_collection(std::move(*collection));
  }
  if (auto state = section.section("state")) {
    assign(config.state_path, state->text("path"));
    if (config.state_path.empty()) state->problem("path", " must not be empty");
    state->refuse_the_rest();
  }
  auto metrics = section.section("metrics");
  const bool metrics_given = metrics.has_value();
  if (metrics_given) {
    config.metrics = read_metrics(std::move(*metrics), config.collection.lookback, known_family);
  }
  const bool default_windows =
      !metrics_given || !root["metrics"].IsMap() || !root["metrics"]["windows"].IsDefined();
  if (default_windows) {
    // The defaults that a short lookback leaves room for.
    std::erase_if(config.metrics.windows,
                  [&](Millis window) { return window > config.collection.lookback; });
  }
  config.registries = read_registries(section.get("registries"), problems, root, environment);
  section.refuse_the_rest();
  return config;
}

}  // namespace

std::string RegistryConfig::identity() const {
  if (const auto* acr = std::get_if<AcrConfig>(&cloud)) {
    return name + "\nacr\n" + acr->instance_id;
  }
  return name + "\nswr\n" + region + "\n" + std::get<SwrConfig>(cloud).project_id;
}

tl::expected<Config, std::vector<ConfigProblem>> parse_config(const std::string& text,
                                                              const Environment& environment,
                                                              const KnownFamily& known_family) {
  Problems problems;
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsMap()) {
      return tl::unexpected(std::vector<ConfigProblem>{
          {1, "the file must be a mapping with the key registries at least"}});
    }
    Config config = read_config(root, problems, environment, known_family);
    if (problems.empty()) return config;
    return tl::unexpected(problems.sorted());
  } catch (const YAML::Exception& exception) {
    return tl::unexpected(
        std::vector<ConfigProblem>{{exception.mark.line + 1, "this is no YAML: " + exception.msg}});
  }
}

}  // namespace registry_exporter
