#pragma once

#include <memory>
#include <string>

#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "exporter/cloud/signed_client.h"
#include "exporter/config/config.h"
#include "exporter/swr/asked_once.h"
#include "exporter/swr/iam_hosts.h"

namespace registry_exporter::swr {

/// The project that a registry's calls are for: the configured one, or the one of the credentials,
/// or the one that IAM finds by the region's name. Once known it never changes. Thread-safe.
class Project {
 public:
  /// What comes by reference must outlive it.
  Project(Runtime runtime, const config::RegistryConfig& config,
          std::shared_ptr<const IamHosts> iam, cloud::SignedClient& client);

  /// May call IAM: one thread at a time; after a failure a while later, or when the keys change.
  /// Errors: the clouds' own; invalid_config: there is none, several, or not the one to keep to.
  Result<std::string> get();
  /// False after IAM could not tell it.
  bool available() const;
  /// From now on another project is an error: the registry's state belongs to this one.
  void keep_to(std::string id);

 private:
  Result<std::string> find();
  Result<std::string> ask(const std::string& iam_origin);
  Result<std::string> checked(std::string found) const;

  const std::string configured_, region_;
  const std::shared_ptr<const IamHosts> iam_;
  cloud::SignedClient& client_;
  AskedOnce found_;

  mutable Mutex mutex_;
  std::string kept_to_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter::swr
