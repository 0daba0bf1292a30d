#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/config/config.h"

/// The files of Alibaba Cloud's own tools, as values of our configuration. Pure.
/// Errors: invalid_config (says what is wrong with the file; never a secret). What is not supported
/// is refused and named.
///
/// Source: credentials-go @9ac55b4, credentials-python @0e6d313, aliyun-cli @eadd68d
/// (config/profile.go), npm @alicloud/credentials 2.4.7. A key that only one
/// of them knows is read, too.
namespace registry_exporter::acr {

struct Profile {
  config::AcrCredentials form;  ///< One form; `assume_role` is never set.
  std::vector<config::AcrCredentials::AssumeRole>
      roles;                    ///< Assumed one after another, the last is used.
  std::string process_command;  ///< Set: prints the keys; there is no form.
  /// The CLI fetched the keys of `form`; they end then, and only the CLI can fetch others.
  std::optional<UnixMillis> kept_until;
  std::string name, mode;  ///< Of the profile that the form stands in.
};

/// ~/.aliyun/config.json, of the CLI. `name`: the profile; empty: the current one.
Result<Profile> parse_cli_config(std::string_view text, const std::string& name);

/// ~/.alibabacloud/credentials. `name`: the section; empty: `default`.
Result<Profile> parse_credentials_file(std::string_view text, const std::string& name);

/// Adds what both kinds of files may leave to the environment. Errors: what is still missing; a
/// form that the environment forbids.
Result<Profile> completed(Profile profile, const config::Environment& environment);

}  // namespace registry_exporter::acr
