#include "exporter/ingest/rate_warning.h"

namespace registry_exporter::ingest {
namespace {

/// Sweeps and open builds included.
constexpr double kCallsPerRead = 1.1;
constexpr std::chrono::minutes kTellAgain{30};

}  // namespace

std::optional<double> RateWarning::take(std::size_t lists, std::size_t overdue, SteadyTime now) {
  const double enough = static_cast<double>(lists) * kCallsPerRead /
                        std::chrono::duration<double>(max_staleness_).count();
  const bool told = told_at_ && now - *told_at_ < kTellAgain;
  if (overdue == 0 || told || enough <= requests_per_second_) return std::nullopt;
  told_at_ = now;
  return enough;
}

}  // namespace registry_exporter::ingest
