#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/file_digests.h"
#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "exporter/web/basic_auth.h"
#include "exporter/web/http_message.h"
#include "exporter/web/site.h"
#include "exporter/web/tls_context.h"

namespace registry_exporter::web {

/// Access control by the web configuration: TLS, passwords, rate limit. The configuration is
/// reloaded when its file, or a certificate or key that it names, has changed; if it can't be
/// loaded, the previous one stays in effect. Thread-safe.
class WebAccess {
 public:
  /// Reads the file and all files it names. Errors: every problem with its line (0: no line).
  static tl::expected<std::unique_ptr<WebAccess>, std::vector<config::ConfigProblem>> open(
      Runtime runtime, std::string file);

  /// For new connections; nullptr: plain HTTP.
  std::shared_ptr<const TlsContext> tls();
  /// Reloads if a file changed. Connections do it, too.
  void look() { current(); }
  /// Error of the latest reload, with file and line; nullopt if the file is in effect.
  std::optional<std::string> problem();
  /// Passes a request to `inner` if its password is right and the rate limit allows it. Probes
  /// (`/-/healthy`, `/-/ready` of the site) need no password. Adds the configured headers to every
  /// response.
  WebHandler guard(WebHandler inner, Site site);

  /// The configuration together with what the files it names contain.
  struct Settings {
    WebConfig config;
    std::shared_ptr<const TlsContext> tls;
  };

 private:
  WebAccess(Runtime runtime, std::string file);
  std::shared_ptr<const Settings> current();
  void reload_if_changed() REQUIRES(mutex_);
  bool takes_token(const RequestRate& rate) EXCLUDES(mutex_);

  Runtime runtime_;
  const std::string file_;
  BasicAuth basic_auth_;
  Mutex mutex_;
  std::shared_ptr<const Settings> settings_ GUARDED_BY(mutex_);
  std::optional<std::string> problem_ GUARDED_BY(mutex_);
  FileDigests digests_ GUARDED_BY(mutex_);  ///< Of the latest load, successful or not.
  std::optional<std::string> piped_
      GUARDED_BY(mutex_);  ///< The configuration's text, if it came through a pipe.
  SteadyTime checked_at_
      GUARDED_BY(mutex_);  ///< When the files were last compared with `digests_`.
  double tokens_ GUARDED_BY(mutex_) = 0;
  std::optional<SteadyTime> tokens_at_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter::web
