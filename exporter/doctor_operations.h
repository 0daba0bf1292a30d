#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/doctor_exam.h"

/// The operations that a registry's calls use, and the rights that they need. Pure.
namespace registry_exporter {

/// Who answers a call.
enum class Service { registry, sts, iam, instance_metadata, pod_identity, credentials_uri };

struct Operation {
  const char* name;
  const char* action;  ///< What a policy has to allow; "" where no policy is needed.
  enum class Need { always, fallback, sometimes, optional } need = Need::always;
  Service service = Service::registry;
  std::optional<config::Collected> of{};  ///< Set: only where this is collected.
};

std::vector<Operation> operations_of(const Exam& exam);

/// `operation`: as in Error::operation.
Service service_of(const Exam& exam, std::string_view operation);

/// Actions that were needed and are denied.
std::vector<std::string> missing_actions(const Exam& exam);

/// A policy that allows `actions`, as JSON on one line.
std::string policy_for(const Exam& exam, const std::vector<std::string>& actions);

}  // namespace registry_exporter
