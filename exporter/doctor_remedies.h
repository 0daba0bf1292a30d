#pragma once

#include <string>

#include "exporter/doctor_exam.h"

/// What each failure means, and what to change. Pure; shows no secret.
namespace registry_exporter {

/// Where a call went, and how to say that it went elsewhere.
struct Place {
  std::string url;
  const char* topic;  ///< Of a line in the report.
  const char* key;    ///< Of the configuration, or a variable.
  bool operator==(const Place&) const = default;
};
Place registry_place(const Exam& exam);
/// Of the call that failed.
Place place_of(const Exam& exam, const Error& error);

/// What to change because of one failure; "" where the report says it already (missing rights).
std::string remedy_for(const Exam& exam, const Error& error);

}  // namespace registry_exporter
