#pragma once

#include <cstddef>
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

/// What to know of a scrape of so many repositories; empty where every scraper takes the answer.
/// Pure.
std::string note_on_size(std::size_t acr_repositories, std::size_t swr_repositories);

}  // namespace registry_exporter
