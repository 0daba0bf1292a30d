#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "exporter/base/runtime.h"
#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/net/api_caller.h"
#include "exporter/swr/iam_hosts.h"

namespace registry_exporter::swr {

/// The project that a registry's calls are for: as configured, or as the credentials tell it, or
/// asked of IAM by the region's name. Once known it stays. Thread-safe.
class Project {
 public:
  /// What comes by reference must outlive it.
  Project(Runtime runtime, const RegistryConfig& config, std::shared_ptr<const IamHosts> iam,
          ApiCaller& caller, Credentials& credentials);

  /// May call IAM: one thread at a time; after a failure a while later, or when the keys change.
  /// Errors: the clouds' own; invalid_config: there is none, several, or not the one to keep to.
  Result<std::string> get();
  /// False while asking for it fails.
  bool available() const;
  /// No other project will do: what is known of the registry is of this one.
  void keep_to(std::string id);

 private:
  Result<std::string> find();
  Result<std::string> ask(const std::string& iam_origin);
  Result<std::string> settle(Result<std::string> found, std::uint64_t used_generation);
  std::uint64_t generation();

  Runtime runtime_;
  const std::string configured_, region_;
  const std::shared_ptr<const IamHosts> iam_;
  ApiCaller& caller_;
  Credentials& credentials_;

  mutable std::mutex mutex_;
  std::unique_ptr<Waiter> changed_;
  bool asking_ = false;
  std::string known_, kept_to_;
  std::optional<Error> failure_;
  int failures_ = 0;  ///< In a row.
  std::uint64_t failed_generation_ = 0;
  SteadyTime retry_at_;
};

}  // namespace registry_exporter::swr
