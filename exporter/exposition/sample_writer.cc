#include "exporter/exposition/sample_writer.h"

#include <limits>

namespace registry_exporter::exposition {

LineFrame line_frame(ExpositionFormat format, std::string_view sample, const Labels& more) {
  LinePart tail = frame_tail(format, written(more, format));
  if (format == ExpositionFormat::protobuf) return {LinePart(), std::move(tail)};
  return {LinePart(std::string(sample) + "{"), std::move(tail)};
}

LinePart frame_tail(ExpositionFormat format, std::string labels) {
  if (format == ExpositionFormat::protobuf) return LinePart(std::move(labels));
  if (!labels.empty()) labels.insert(labels.begin(), ',');
  labels += "} ";
  return LinePart(std::move(labels));
}

CounterFrame counter_frame(ExpositionFormat format, std::string_view family, const Labels& more) {
  const std::string created(without_total(family, FamilyType::counter));
  return {line_frame(format, family, more), line_frame(format, created + "_created", more)};
}

HistogramFrame histogram_frame(ExpositionFormat format, std::string_view family,
                               std::vector<double> bounds, const Labels& more) {
  const std::string name(family);
  HistogramFrame frame;
  frame.sum = line_frame(format, name + "_sum", more);
  frame.count = line_frame(format, name + "_count", more);
  frame.created = line_frame(format, name + "_created", more);
  if (format != ExpositionFormat::protobuf) {
    for (std::size_t i = 0; i <= bounds.size(); ++i) {
      Labels labels = more;
      labels.emplace_back(
          "le",
          bucket_bound(i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity()));
      frame.buckets.push_back(line_frame(format, name + "_bucket", labels));
    }
  }
  frame.bounds = std::move(bounds);
  return frame;
}

}  // namespace registry_exporter::exposition
