#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"
#include "exporter/base/secret.h"
#include "exporter/config/config_problem.h"

/// The configuration file as values, with defaults and units. Filled by config/parse, which has
/// checked every range that is stated here.
namespace registry_exporter::config {

enum class InitialHistory { baseline, count };

struct CollectionConfig {
  Millis min_interval{15'000};    ///< A scrape that comes sooner gets the last cycle's values.
  Millis scrape_timeout{10'000};  ///< > 0. If the scraper sends none.
  InitialHistory initial_history = InitialHistory::baseline;
  Millis lookback{std::chrono::hours(24 * 30)};         ///< > 0
  Millis sweep_interval{std::chrono::hours(1)};         ///< > 0
  Millis discovery_interval{std::chrono::minutes(10)};  ///< > 0
  Millis max_staleness{std::chrono::minutes(2)};        ///< > 0
  bool operator==(const CollectionConfig&) const = default;
};

/// What a raw build status counts as (`metrics.build_statuses`). Keys in upper case.
enum class StatusMeaning { success, failed, canceled, other, open };

/// Labels for the repositories whose "namespace/name" matches (RE2, fully anchored).
struct LabelRule {
  std::string match;
  std::map<std::string, std::string> labels;  ///< Not empty; valid names, no empty values.
  bool operator==(const LabelRule&) const = default;
};

struct MetricsConfig {
  std::vector<Millis> windows{std::chrono::hours(1), std::chrono::hours(24),
                              std::chrono::hours(24 * 7)};  ///< Each > 0 and ≤ lookback; distinct.
  /// How each window was written: the value of the label `window`.
  std::map<Millis, std::string> window_names{{std::chrono::hours(1), "1h"},
                                             {std::chrono::hours(24), "24h"},
                                             {std::chrono::hours(24 * 7), "7d"}};
  std::vector<double> build_duration_buckets{10,  30,   60,   120,  180,  300, 600,
                                             900, 1200, 1800, 2700, 3600, 7200};  ///< Seconds.
  std::map<std::string, StatusMeaning> build_statuses;
  bool created_timestamps = false;
  std::vector<std::string> disabled;         ///< Names of known families.
  int max_repositories = 20'000;             ///< ≥ 1, for each registry.
  std::vector<LabelRule> repository_labels;  ///< The first match wins. At most 10 label names.
  bool operator==(const MetricsConfig&) const = default;
};

/// A secret given in place or by a file that is read again when it changes.
struct SecretSource {
  Secret value;
  std::string file;             ///< If set, it wins over `value`.
  bool is_written_out = false;  ///< The value is in the configuration itself, not in a variable.
  bool empty() const { return value.empty() && file.empty(); }
  bool operator==(const SecretSource&) const = default;
};

struct AcrCredentials {
  /// The STS of a profile; all empty: that of the registry and the environment.
  struct Sts {
    std::string endpoint, region;
    bool vpc = false;
    bool operator==(const Sts&) const = default;
  };
  struct AssumeRole {
    std::string role_arn, session_name, external_id;
    // Only in profiles of the official tools.
    std::string policy{};         ///< Restricts the role's rights.
    int duration_seconds = 3600;  ///< ≥ 900
    Sts sts{};
    bool operator==(const AssumeRole&) const = default;
  };
  struct Oidc {
    std::string role_arn, provider_arn, token_file, session_name;
    // Only in profiles of the official tools.
    std::string policy{};
    int duration_seconds = 3600;
    Sts sts{};
    bool operator==(const Oidc&) const = default;
  };
  SecretSource access_key_id, access_key_secret, security_token;
  std::optional<AssumeRole> assume_role;
  std::optional<Oidc> oidc;
  std::optional<std::string> ecs_ram_role;  ///< Empty: ask the metadata service.
  std::string credentials_uri;
  bool operator==(const AcrCredentials&) const = default;
};

struct SwrCredentials {
  struct IamUser {
    std::string domain_name, user_name, project_name;
    SecretSource password;
    bool operator==(const IamUser&) const = default;
  };
  struct Oidc {
    std::string idp_id, token_file;
    /// Instead of `idp_id`: a provider and a trust agency of the newer IAM.
    std::string provider_urn = {}, agency_urn = {}, session_name = {};
    bool operator==(const Oidc&) const = default;
  };
  struct PodIdentity {
    std::string uri, token_file;
    bool operator==(const PodIdentity&) const = default;
  };
  struct AssumeAgency {
    std::string domain_name, agency_name;
    /// Instead of both: a trust agency of the newer IAM.
    std::string agency_urn = {}, session_name = {}, external_id = {};
    bool operator==(const AssumeAgency&) const = default;
  };
  SecretSource access_key, secret_key, security_token;
  std::optional<IamUser> iam_user;
  std::optional<Oidc> oidc;
  bool ecs_agency = false;
  std::optional<PodIdentity> pod_identity;    ///< Only set by a container's environment.
  std::optional<AssumeAgency> assume_agency;  ///< Assumed with the keys of one of the above.
  bool operator==(const SwrCredentials&) const = default;
};

/// A repository given by the user instead of found by discovery.
struct StaticRepository {
  std::string repo_namespace, name, id;
  bool operator==(const StaticRepository&) const = default;
};

struct RepositoryFilters {
  std::vector<std::string> include, exclude;  ///< RE2, fully anchored, on "namespace/name".
  bool operator==(const RepositoryFilters&) const = default;
};

struct TlsConfig {
  std::string ca_file, cert_file, key_file, server_name;
  bool operator==(const TlsConfig&) const = default;
};

struct AcrConfig {
  std::string instance_id;
  AcrCredentials credentials;
  bool operator==(const AcrConfig&) const = default;
};

struct SwrConfig {
  std::string project_id;    ///< Empty: that of the credentials, or of the region.
  std::string iam_endpoint;  ///< "https://…", no trailing slash; defaulted from the region.
  bool iam_endpoint_given = false;
  SwrCredentials credentials;
  enum class Paging { offset, filter } paging = Paging::offset;
  bool collect_rules = false;
  bool is_enterprise = false;              ///< swr_ee
  std::string instance_id, instance_name;  ///< swr_ee: one of them is set.
  bool operator==(const SwrConfig&) const = default;
};

/// Services that issue keys: "https://host[:port]"; empty: the cloud's own.
struct KeyEndpoints {
  std::string sts, metadata;
  bool operator==(const KeyEndpoints&) const = default;
};

/// What is collected of a registry (`collect`).
enum class Collected : std::uint8_t { builds, deletions, syncs, retentions, replications };
std::string_view name(Collected what);
struct RegistryConfig {
  std::string name;
  std::string region;
  std::string endpoint;  ///< "https://host[:port]", no trailing slash; defaulted from the region.
  KeyEndpoints key_endpoints;
  std::variant<AcrConfig, SwrConfig> cloud;
  std::vector<Collected> collect;  ///< Each once, in the order above. Empty: what the type is for.
  bool credentials_given = false;  ///< False: the official clients' default chain.
  RepositoryFilters repositories;
  std::optional<std::vector<StaticRepository>> static_repositories;
  int page_size = 100;             ///< 1..100 (acr), 1..1000 (swr).
  double requests_per_second = 5;  ///< 0.001..1e6, of all shards together.
  int shards = 1;                  ///< How many share the cloud's limits. Set by the program.
  int concurrency = 4;             ///< 1..256
  Millis request_timeout{10'000};  ///< > 0
  std::string proxy_url;
  TlsConfig tls;
  bool operator==(const RegistryConfig&) const = default;

  bool is_acr() const { return std::holds_alternative<AcrConfig>(cloud); }
  bool is_swr_ee() const {
    const auto* swr = std::get_if<SwrConfig>(&cloud);
    return swr != nullptr && swr->is_enterprise;
  }
  /// As configured: "acr".
  std::string type() const { return is_acr() ? "acr" : is_swr_ee() ? "swr_ee" : "swr"; }
  std::vector<Collected> default_collect() const;
  bool collects(Collected what) const {
    const std::vector<Collected> otherwise =
        collect.empty() ? default_collect() : std::vector<Collected>();
    if (std::find(otherwise.begin(), otherwise.end(), what) != otherwise.end()) return true;
    return std::find(collect.begin(), collect.end(), what) != collect.end();
  }
  bool collects_rules() const {
    const auto* swr = std::get_if<SwrConfig>(&cloud);
    return swr != nullptr && swr->collect_rules && collects(Collected::deletions);
  }
  /// name + type + (instance_id, or region and project): its key in the state. Ends in a line break
  /// if the project, or the id of the instance, is not configured: the state adds it once it is
  /// known.
  std::string identity() const;
  /// What a shard goes by: "namespace/name"; in SWR Enterprise Edition, where a namespace has one
  /// list, the namespace. A policy for all namespaces is "/policy".
  std::string sharded_by(const std::string& full_name) const;
};

struct Config {
  CollectionConfig collection;
  std::string state_path = "/var/lib/registry_exporter/state.db";
  MetricsConfig metrics;
  std::vector<RegistryConfig> registries;  ///< Never empty; names are unique.
  bool is_from_pipe = false;               ///< It was read from a pipe and can't be read again.
  bool operator==(const Config&) const = default;
};

/// `name` → value of an environment variable, nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// This process's environment. Shell.
std::optional<std::string> environment_variable(const std::string& name);

/// Whether a family exists, for `metrics.disabled`.
using KnownFamily = std::function<bool(const std::string& name)>;

/// Reads a whole configuration. Pure: files (secrets) are not opened. Errors: every problem found,
/// in the order of their lines.
tl::expected<Config, std::vector<ConfigProblem>> parse_config(const std::string& text,
                                                              const Environment& environment,
                                                              const KnownFamily& known_family);

/// Reads `path` and parses it; problems come with line 0 when the file can't be read. Shell.
tl::expected<Config, std::vector<ConfigProblem>> load_config(const std::string& path,
                                                             const KnownFamily& known_family);

/// The current text of a secret: the file's content without one trailing newline, or the value.
/// Shell.
Result<Secret> read_secret(const SecretSource& source);

}  // namespace registry_exporter::config
