#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/digest.h"
#include "exporter/base/runtime.h"
#include "exporter/web/basic_auth.h"
#include "exporter/web/message.h"
#include "exporter/web/tls_context.h"

namespace registry_exporter {

/// Who may come in, and how: the web configuration in force. It is read again when the file, or a
/// certificate or key that it names, has changed; what can't be used leaves the old one in force.
/// Thread-safe.
class Gate {
 public:
  /// Reads the file and all it names. Errors: every problem with its line (0: none can be named).
  static tl::expected<std::unique_ptr<Gate>, std::vector<ConfigProblem>> open(Runtime runtime,
                                                                              std::string file);

  /// What a new connection is encrypted with; nullptr: it isn't.
  std::shared_ptr<const TlsContext> tls();
  /// Why what was read last, when somebody came, is not in force, with file and line.
  std::optional<std::string> problem();
  /// Lets through to `inner` what has the right password, is not too much, or is a probe
  /// (`/-/healthy`, `/-/ready`). Adds the configured headers to every answer.
  WebHandler guard(WebHandler inner);

  /// What the file and the files it names make together.
  struct Settings {
    WebConfig config;
    std::shared_ptr<const TlsContext> tls;
  };
  /// A file as it was read, to notice that it changed.
  using Trace = std::vector<std::pair<std::string, Sha256>>;

 private:
  Gate(Runtime runtime, std::string file);
  std::shared_ptr<const Settings> current();
  void look_again();
  bool takes_token(const RequestRate& rate);

  Runtime runtime_;
  const std::string file_;
  BasicAuth basic_auth_;
  std::mutex mutex_;
  std::shared_ptr<const Settings> settings_;
  std::optional<std::string> problem_;
  Trace trace_;                       ///< Of the newest reading, whether it could be used or not.
  std::optional<std::string> piped_;  ///< The configuration's text, if it came through a pipe.
  SteadyTime looked_at_;
  double tokens_ = 0;
  std::optional<SteadyTime> tokens_at_;
};

}  // namespace registry_exporter
