#pragma once

#include <string>
#include <string_view>

#include "exporter/base/result.h"
#include "exporter/config/config.h"

/// What the files of Alibaba Cloud's own tools say, in the words of our configuration. Pure.
/// Errors: invalid_config (says what is wrong with the file; never a secret).
namespace registry_exporter::acr {

/// ~/.aliyun/config.json, of the CLI. `name`: the profile; empty: the current one.
/// Modes AK, StsToken, RamRoleArn, EcsRamRole, OIDC, ChainableRamRoleArn.
Result<AcrCredentials> parse_cli_config(std::string_view text, const std::string& name);

/// ~/.alibabacloud/credentials. `name`: the section; empty: `default`.
/// Types access_key, sts, ram_role_arn, ecs_ram_role.
Result<AcrCredentials> parse_credentials_file(std::string_view text, const std::string& name);

}  // namespace registry_exporter::acr
