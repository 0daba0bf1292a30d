#include "exporter/config/registry_section.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "exporter/base/proxy_url.h"
#include "exporter/base/text.h"
#include "exporter/base/url.h"
#include "exporter/config/credentials_section.h"
#include "exporter/config/endpoint.h"
#include "exporter/config/filter.h"
#include "exporter/config/spelling.h"

namespace registry_exporter::config {
namespace {

constexpr int kConcurrencyMost = 256;
constexpr double kRateLeast = 0.001;
constexpr double kRateMost = 1'000'000;
constexpr int kInstancePageMost = 100;  ///< acr, swr_ee
constexpr int kSwrPageMost = 1000;

constexpr const char* kOfSwr = "belongs to registries of type swr";
constexpr const char* kOfBothSwr = "belongs to registries of type swr and swr_ee";
constexpr const char* kOfAcr = "belongs to registries of type acr";
constexpr const char* kOfSwrEe = "belongs to registries of type swr_ee";
constexpr const char* kOfInstances = "belongs to registries of type acr and swr_ee";
constexpr const char* kNotOfSwrEe =
    "is not for registries of type swr_ee: their repositories are listed at once";
constexpr const char* kCredential = "belongs under credentials";
constexpr const char* kFilter = "belongs under repositories";
constexpr const char* kTls = "belongs under tls";

template <class T>
void assign(T& target, std::optional<T> value) {
  if (value) target = *std::move(value);
}

std::string endpoint_at(Section& section, const std::string& key, const std::string& otherwise) {
  const auto given = section.text(key);
  if (!given) return otherwise;
  const auto endpoint = read_endpoint(*given);
  if (endpoint) return *endpoint;
  section.problem(key, endpoint.error());
  return otherwise;
}

/// A region becomes a part of host names.
std::string read_region(Section& section) {
  std::string region(trim(section.required_text("region")));
  const bool word = std::all_of(region.begin(), region.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  if (!word) section.problem("region", " must be a region's id, like cn-hangzhou or cn-north-4");
  return region;
}

std::vector<std::string> read_patterns(Section& section, const std::string& key) {
  std::vector<std::string> patterns;
  for (ListItem& item : section.list(key).value_or(std::vector<ListItem>{})) {
    const std::string error = pattern_error(item.value);
    if (!error.empty()) {
      section.context().problems.add(item.node, section.name_of(key) + ": " +
                                                    in_quotes(item.node.Scalar()) +
                                                    " is no pattern: " + in_one_line(error));
    }
    patterns.push_back(std::move(item.value));
  }
  return patterns;
}

RepositoryFilters read_filters(Section section) {
  RepositoryFilters filters;
  filters.include = read_patterns(section, "include");
  filters.exclude = read_patterns(section, "exclude");
  section.refuse_the_rest();
  return filters;
}

TlsConfig read_tls(Section section) {
  TlsConfig tls;
  assign(tls.ca_file, section.text_not_empty("ca_file"));
  assign(tls.cert_file, section.text_not_empty("cert_file"));
  assign(tls.key_file, section.text_not_empty("key_file"));
  assign(tls.server_name, section.text_not_empty("server_name"));
  if (section.has("cert_file") != section.has("key_file")) {
    section.problem(section.has("cert_file") ? "cert_file" : "key_file",
                    ": cert_file and key_file go together");
  }
  section.refuse_the_rest();
  return tls;
}

// ── Fixed lists ──────────────────────────────────────────────────────────────────────────────────

/// {namespace, name, id}, as the repositories of acr are known.
std::optional<StaticRepository> read_acr_repository(const YAML::Node& item, const std::string& what,
                                                    SectionContext context) {
  if (!item.IsMap()) {
    context.problems.add(item, what + ": write {namespace: …, name: …}, with id when it is known");
    return std::nullopt;
  }
  StaticRepository repository;
  Section section(item, item, what, context);
  repository.repo_namespace = section.required_text("namespace");
  repository.name = section.required_text("name");
  assign(repository.id, section.text_not_empty("id"));
  section.refuse_the_rest();
  if (repository.repo_namespace.empty() || repository.name.empty()) return std::nullopt;
  return repository;
}

/// "namespace/name", as the repositories of swr are known; the name may have slashes.
std::optional<StaticRepository> read_swr_repository(Section& owner, const YAML::Node& item,
                                                    const std::string& what) {
  const auto text = item.IsScalar() ? owner.scalar(item, item, what) : std::nullopt;
  if (item.IsScalar() && !text) return std::nullopt;
  const std::size_t slash = text ? text->find('/') : std::string::npos;
  if (slash == std::string::npos || slash == 0 || slash + 1 == text->size() ||
      !is_one_line(*text)) {
    owner.context().problems.add(item, what + ": write \"namespace/repository\"");
    return std::nullopt;
  }
  return StaticRepository{text->substr(0, slash), text->substr(slash + 1), ""};
}

std::optional<std::vector<StaticRepository>> read_static(Section& section, bool acr) {
  const std::string key = "static_repositories";
  if (!section.has(key)) return std::nullopt;
  const YAML::Node node = section.get(key);
  if (!node.IsSequence() || node.size() == 0) {
    section.problem(key, " must be a list that is not empty");
    return std::nullopt;
  }
  std::vector<StaticRepository> repositories;
  std::set<std::string> seen;
  for (const auto& item : node) {
    const std::string what = section.name_of(key);
    auto repository = acr ? read_acr_repository(item, what, section.context())
                          : read_swr_repository(section, item, what);
    if (!repository) continue;
    const std::string full_name = repository->repo_namespace + "/" + repository->name;
    if (!seen.insert(full_name).second) {
      section.context().problems.add(item, what + ": this repository is given twice");
    }
    repositories.push_back(*std::move(repository));
  }
  return repositories;
}

// ── One registry ─────────────────────────────────────────────────────────────────────────────────

double read_rate(Section& section, double otherwise) {
  const auto rate = section.number("requests_per_second");
  if (!rate) return otherwise;
  if (*rate <= 0) {
    section.problem("requests_per_second", " must be more than 0");
  } else if (*rate < kRateLeast || *rate > kRateMost) {
    section.problem("requests_per_second", " must be from 0.001 to 1000000");
  }
  return *rate;
}

std::string read_proxy(Section& section) {
  const std::string proxy = section.text_not_empty("proxy_url").value_or("");
  if (proxy.empty()) return proxy;
  if (!is_http(proxy)) {
    section.problem("proxy_url", " must begin with http:// or https://");
  } else if (!is_readable_proxy(proxy)) {  // Not quoted: it may contain a password.
    section.problem("proxy_url", std::string(" can't be read: ") + kProxyForm);
  }
  return proxy;
}

/// In the order of the enumeration, whatever the order in the file.
std::vector<Collected> read_collect(Section& section, std::initializer_list<Collected> possible) {
  const std::string key = "collect";
  if (!section.has(key)) return {};
  std::vector<std::string> words;
  std::string all;
  for (const Collected each : possible) {
    words.emplace_back(name(each));
    all += (all.empty() ? "" : ", ") + words.back();
  }
  const YAML::Node node = section.get(key);
  const bool is_list = node.IsSequence();
  if (node.IsNull() || (is_list && node.size() == 0)) {
    section.problem(key, " must name at least one of " + all);
  }
  std::set<Collected> wanted;
  for (const ListItem& item : section.list(key).value_or(std::vector<ListItem>{})) {
    const auto* const found = std::find_if(
        possible.begin(), possible.end(), [&](Collected each) { return item.value == name(each); });
    const std::string said = section.name_of(key) + ": " + in_quotes(item.value);
    if (found == possible.end()) {
      section.context().problems.add(item.node,
                                     said + " is none of " + all + did_you_mean(item.value, words));
    } else if (!wanted.insert(*found).second) {
      section.context().problems.add(item.node, said + " is given twice");
    }
  }
  return {wanted.begin(), wanted.end()};
}

std::vector<Collected> read_collect(Section& section, const RegistryConfig& config) {
  if (config.is_acr()) return read_collect(section, {Collected::builds, Collected::syncs});
  if (config.is_swr_ee()) {
    return read_collect(section, {Collected::retentions, Collected::replications});
  }
  return read_collect(section, {Collected::deletions, Collected::syncs});
}

void read_common(Section& section, RegistryConfig& config) {
  const bool acr = config.is_acr();
  const int page_most = acr || config.is_swr_ee() ? kInstancePageMost : kSwrPageMost;
  config.collect = read_collect(section, config);
  if (auto filters = section.section("repositories")) config.repositories = read_filters(*filters);
  if (!config.is_swr_ee()) config.static_repositories = read_static(section, acr);
  assign(config.page_size, section.integer("page_size", 1, page_most));
  config.requests_per_second = read_rate(section, config.requests_per_second);
  assign(config.concurrency, section.integer("concurrency", 1, kConcurrencyMost));
  assign(config.request_timeout, section.duration("request_timeout", false));
  config.key_endpoints.metadata = endpoint_at(section, "metadata_endpoint", "");
  config.proxy_url = read_proxy(section);
  if (auto tls = section.section("tls")) config.tls = read_tls(*tls);
}

void read_acr(Section& section, RegistryConfig& config) {
  AcrConfig acr;
  acr.instance_id = section.required_text("instance_id");
  if (acr.instance_id.starts_with("crpi-")) {
    section.problem("instance_id",
                    " is of the Personal Edition, which lists no build records: only instances of "
                    "the Enterprise Edition do (cri-...)");
  }
  const std::string network = section.text("network").value_or("public");
  if (network != "public" && network != "vpc") {
    section.problem("network", " must be public or vpc");
  }
  config.endpoint = endpoint_at(section, "endpoint", acr_endpoint(config.region, network == "vpc"));
  config.key_endpoints.sts = endpoint_at(section, "sts_endpoint", "");
  config.credentials_given = section.has("credentials");
  if (auto credentials = section.section("credentials")) {
    acr.credentials = read_acr_credentials(*credentials);
  }
  config.cloud = std::move(acr);
}

/// The official clients' variable wins over the region's own endpoint. It may name several.
std::string default_swr_endpoint(Section& section, const std::string& region) {
  std::string variable = "HUAWEICLOUD_SDK_REGION_SWR_" + region;
  for (char& c : variable) {
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  const std::string named = section.context().environment(variable).value_or("");
  if (named.empty() || section.has("endpoint")) return swr_endpoint(region);
  const auto endpoint = read_client_endpoint(named.substr(0, named.find(',')));
  if (endpoint) return *endpoint;
  section.problem_here(": the environment variable " + variable + endpoint.error());
  return swr_endpoint(region);
}

/// Which instance: by its id, or by its name.
void read_instance(Section& section, SwrConfig& swr) {
  assign(swr.instance_id, section.text_not_empty("instance_id"));
  assign(swr.instance_name, section.text_not_empty("instance_name"));
  if (section.has("instance_id") && section.has("instance_name")) {
    section.problem("instance_name", ": instance_id tells the instance already");
  } else if (!section.has("instance_id") && !section.has("instance_name")) {
    section.problem_here(": instance_id or instance_name is missing");
  }
}

void read_paging(Section& section, SwrConfig& swr) {
  if (const auto paging = section.text("paging")) {
    if (*paging == "filter") {
      swr.paging = SwrConfig::Paging::filter;
    } else if (*paging != "offset") {
      section.problem("paging", " must be offset or filter");
    }
  }
  assign(swr.collect_rules, section.boolean("collect_rules"));
}

void read_swr(Section& section, bool enterprise, RegistryConfig& config) {
  SwrConfig swr;
  if (section.has("project_id")) swr.project_id = section.required_text("project_id");
  config.endpoint = endpoint_at(section, "endpoint", default_swr_endpoint(section, config.region));
  swr.iam_endpoint = endpoint_at(section, "iam_endpoint", iam_endpoint(config.region));
  swr.iam_endpoint_given = section.has("iam_endpoint");
  config.key_endpoints.sts = endpoint_at(section, "sts_endpoint", "");
  swr.is_enterprise = enterprise;
  enterprise ? read_instance(section, swr) : read_paging(section, swr);
  config.credentials_given = section.has("credentials");
  if (auto credentials = section.section("credentials")) {
    swr.credentials = read_swr_credentials(*credentials, config.region);
  }
  config.cloud = std::move(swr);
}

/// Keys that users put here by mistake, and where they belong.
Advice advice_for(const std::string& type) {
  Advice advice{{"include", kFilter},
                {"exclude", kFilter},
                {"ca_file", kTls},
                {"cert_file", kTls},
                {"key_file", kTls},
                {"server_name", kTls},
                {"security_token", kCredential},
                {"security_token_file", kCredential}};
  const auto all = [&advice](std::initializer_list<const char*> keys, const char* words) {
    for (const char* key : keys) advice.emplace_back(key, words);
  };
  if (type != "swr") all({"paging", "collect_rules"}, kOfSwr);
  if (type != "swr_ee") all({"instance_name"}, kOfSwrEe);
  if (type == "swr_ee") all({"static_repositories"}, kNotOfSwrEe);
  if (type == "acr") {
    all({"iam_endpoint", "project_id"}, kOfBothSwr);
    all({"access_key_id", "access_key_id_file", "access_key_secret", "access_key_secret_file",
         "assume_role", "oidc", "ecs_ram_role", "credentials_uri"},
        kCredential);
  } else {
    if (type == "swr") all({"instance_id"}, kOfInstances);
    all({"network"}, kOfAcr);
    all({"access_key", "access_key_file", "secret_key", "secret_key_file", "iam_user", "oidc",
         "ecs_agency", "assume_agency"},
        kCredential);
  }
  return advice;
}

RegistryConfig read_registry(Section section) {
  RegistryConfig config;
  config.name = section.required_text("name");
  const std::string type = section.required_text("type");
  config.region = read_region(section);
  if (type != "acr" && type != "swr" && type != "swr_ee") {
    if (!type.empty()) section.problem("type", " must be acr, swr or swr_ee");
    for (const std::string& key : section.keys()) {
      if (key != "type" && !nearest_spelling(key, {"type"}).empty()) {
        section.problem(key, " is unknown" + did_you_mean(key, {"type"}));
      }
    }
    return config;  // Which other keys are right depends on it.
  }
  if (type == "acr") {
    read_acr(section, config);
  } else {
    read_swr(section, type == "swr_ee", config);
  }
  read_common(section, config);
  section.refuse_the_rest(advice_for(type));
  return config;
}

}  // namespace

std::vector<RegistryConfig> read_registries(Section& root) {
  std::vector<RegistryConfig> registries;
  const YAML::Node node = root.get("registries");
  if (!node.IsDefined() || node.IsNull() || (node.IsSequence() && node.size() == 0)) {
    root.problem("registries", ": at least one registry is needed");
    return registries;
  }
  if (!node.IsSequence()) {
    root.problem("registries", " must be a list");
    return registries;
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < node.size(); ++i) {
    Section section(node[i], node[i], "registries[" + std::to_string(i) + "]", root.context());
    registries.push_back(read_registry(section));
    const std::string& name = registries.back().name;
    if (!name.empty() && !names.insert(name).second) {
      section.problem(
          "name", ": there are two registries called " + in_one_line(section.get("name").Scalar()));
    }
  }
  return registries;
}

}  // namespace registry_exporter::config
