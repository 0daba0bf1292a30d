#pragma once

#include <string>

#include "exporter/doctor_exam.h"

namespace registry_exporter {

/// The report of an exam.
struct Diagnosis {
  std::string text;  ///< Lines for a person.
  bool is_well = false;
};

/// Pure; shows no secret.
Diagnosis diagnose(const Exam& exam);

}  // namespace registry_exporter
