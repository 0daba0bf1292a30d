// Durations of any kind in native histograms: what is counted, stored and shown stays the same.
#include <string>
#include <vector>

#include "exporter/exposition/protobuf_writer.h"
#include "exporter/model/duration_histogram.h"
#include "exporter/store/state_codec.h"
#include "tests/exposition/decoded_protobuf.h"
#include "tests/fuzz/target.h"

namespace registry_exporter::fuzz {
namespace {

constexpr std::size_t kObservationsMax = 2'000;

/// Two bytes: a duration of any length, to 12 bits.
Millis duration(Parts& parts) {
  const std::uint8_t first = parts.byte();
  const auto digits = static_cast<std::int64_t>(parts.byte()) * 16 + first / 16;
  return Millis{digits << (first % 16 * 3)};
}

void is_shown(const DurationHistogram& histogram, std::span<const double> bounds) {
  std::vector<std::uint64_t> cumulative;
  std::uint64_t all = 0;
  for (const std::uint64_t count : histogram.counts) cumulative.push_back(all += count);
  exposition::ProtobufWriter writer;
  const exposition::LinePart no_labels;
  writer.histogram({no_labels, no_labels},
                   {.bounds = bounds, .cumulative = cumulative, .native = &histogram.native});
  const std::string metrics = writer.take();
  const exposition::Family family{"h_seconds", exposition::FamilyType::histogram,
                                  exposition::FamilyScope::process, "", "Help."};
  const auto decoded =
      sample::decode_families(exposition::protobuf_head(family, metrics.size()) + metrics);
  const auto& metric = decoded.at(0).metrics.at(0);
  law(metric.native.has_value(), "no native buckets");
  law(metric.count == histogram.count(), "another count");
  law(metric.native->count() == metric.count, "buckets that do not add up");
  law(metric.native->schema == histogram.native.schema, "another schema");
  law(metric.native->buckets.size() == histogram.native.buckets.size(),
      "another number of buckets");
  for (const NativeBucket& bucket : histogram.native.buckets) {
    law(metric.native->buckets.at(bucket.index) == bucket.count, "another bucket");
  }
}

void is_stored(const DurationHistogram& histogram) {
  RepositoryState state;
  state.ledger.counters.durations[Outcome::failed] = histogram;
  const auto read = store::decode_repository(store::encode_repository(state));
  law(read.has_value(), "our own histogram is refused");
  law(*read == state, "it does not come back");
}

/// Pairs of bytes: durations.
void native_histogram(std::string_view input) {
  const std::vector<double> bounds{0.5, 10, 600, 3'600};
  DurationHistogram histogram = empty_histogram(bounds);
  Parts parts(input.substr(0, 2 * kObservationsMax));
  while (!parts.rest().empty()) {
    observe(histogram, bounds, duration(parts));
    law(is_valid(histogram.native), "buckets that cannot be");
    law(histogram.native.count() == histogram.count(), "an observation is lost");
  }
  is_shown(histogram, bounds);
  is_stored(histogram);
  DurationHistogram restored = histogram;
  restored.native = {};
  law(lacks_native(restored) == (histogram.count() > 0), "nothing to restore");
  restore_native(restored, bounds);
  law(restored.native.count() == histogram.count(), "restoring loses an observation");
  law(is_valid(restored.native), "restored buckets that cannot be");
  is_shown(restored, bounds);
}

constexpr Target kTargets[] = {{"native_histogram", native_histogram}};

}  // namespace

std::span<const Target> native_targets() { return kTargets; }

}  // namespace registry_exporter::fuzz
