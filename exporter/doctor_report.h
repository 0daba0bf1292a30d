#pragma once

#include <string>

#include "exporter/doctor_exam.h"

namespace registry_exporter {

/// What an exam means.
struct Diagnosis {
  std::string text;  ///< Lines for a person.
  bool is_well = false;
};

/// Pure; shows no secret.
Diagnosis diagnose(const Exam& exam);

}  // namespace registry_exporter
