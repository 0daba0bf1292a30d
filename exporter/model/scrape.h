#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// Text 0.0.4; OpenMetrics 1.0.0; delimited messages of io.prometheus.client.MetricFamily.
enum class ExpositionFormat { text, openmetrics, protobuf };

/// A series that a scrape shows first may be younger than the scrape, by so much at most.
inline constexpr std::chrono::minutes kScrapeLongest{2};

/// What one scrape of the metrics asks for.
struct ScrapeRequest {
  std::vector<std::string> registries{};  ///< Empty: all. Names of configured registries only.
  std::vector<std::string> families{};    ///< Empty: all. Names of known families only.
  Millis timeout{10'000};                 ///< Until the response has to be ready.
  ExpositionFormat format = ExpositionFormat::text;
  bool gzip = false;
  bool names_escaping = false;  ///< Asks how names are escaped: the answer's Content-Type tells.
  std::string client{};  ///< Identifies the scraper: a new series is first shown to it as zero.
  bool collect = true;   ///< False: render the newest snapshot without calling the clouds.
};

/// A piece of a response's body, shared by all responses that contain it.
using Chunk = std::shared_ptr<const std::string>;

struct ScrapeResponse {
  std::vector<Chunk> chunks;
  /// Called once, if set: whether the whole response was handed to the socket.
  std::function<void(bool sent)> when_done;
};

}  // namespace registry_exporter
