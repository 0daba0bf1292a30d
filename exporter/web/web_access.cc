// Shell: reads the web configuration and what it names.
#include "exporter/web/web_access.h"

#include <algorithm>

#include "exporter/base/files.h"
#include "exporter/base/log.h"
#include "exporter/config/secret_files.h"
#include "exporter/web/http_head.h"
#include "exporter/web/request_target.h"

namespace registry_exporter::web {
namespace {

constexpr std::size_t kFileBytesMax = 1U << 20U;
/// A change has to be in effect for connections one second later: we check twice as often.
constexpr Millis kCheckInterval{500};

/// The result of reading the configuration and all the files it names.
struct LoadedSettings {
  FileDigests digests;
  std::optional<std::string> piped;
  tl::expected<std::shared_ptr<const WebAccess::Settings>, std::vector<config::ConfigProblem>>
      settings;
};

class SettingsLoader {
 public:
  /// `piped`: the text of the configuration, if it came through a pipe earlier.
  SettingsLoader(std::string file, std::optional<std::string> piped)
      : file_(std::move(file)), piped_(std::move(piped)) {}

  LoadedSettings load() {
    auto settings = read_settings();
    return {std::move(digests_), std::move(piped_), std::move(settings)};
  }

 private:
  using Problem = tl::unexpected<std::vector<config::ConfigProblem>>;
  static Problem problem(std::string message) {
    return Problem(std::vector<config::ConfigProblem>{{0, std::move(message)}});
  }

  Result<std::string> content_of(const std::string& path) {
    Result<std::string> content = read_file(path, kFileBytesMax);
    digests_.emplace_back(path, digest_of(content));
    return content;
  }

  /// A pipe can't be read twice, so its text is kept.
  Result<std::string> configuration() {
    if (piped_) return *piped_;
    Result<WholeText> whole = read_file_or_pipe(file_, kFileBytesMax);
    if (whole && whole->is_from_pipe) {
      piped_ = std::move(whole->text);
      return *piped_;
    }
    Result<std::string> content = std::move(whole).map(&WholeText::text);
    digests_.emplace_back(file_, digest_of(content));
    return content;
  }

  /// The folder of relative names: that of the file, or the working directory if it is a pipe.
  std::string folder() const {
    const std::size_t slash = piped_ ? std::string::npos : file_.rfind('/');
    return slash == std::string::npos ? "" : file_.substr(0, slash);
  }

  Result<Secret> pem(const PemSource& source) {
    if (source.file.empty()) return source.text;
    auto content = content_of(source.file);
    if (!content) return within(source.key, content.error());
    return Secret(*std::move(content));
  }

  tl::expected<std::shared_ptr<const WebAccess::Settings>, std::vector<config::ConfigProblem>>
  read_settings() {
    const auto text = configuration();
    if (!text) return problem(text.error().detail.substr(file_.size() + 2));
    auto config = parse_web_config(*text, folder());
    if (!config) return Problem(config.error());
    auto settings = std::make_shared<WebAccess::Settings>();
    settings->config = *std::move(config);
    if (!settings->config.tls) return settings;
    const ServerTls& tls = *settings->config.tls;
    const auto certificate = pem(tls.certificate);
    const auto private_key = pem(tls.private_key);
    const auto client_ca = pem(tls.client_ca);
    for (const auto* each : {&certificate, &private_key, &client_ca}) {
      if (!*each) return problem(each->error().detail);
    }
    auto context = TlsContext::make(tls, {*certificate, *private_key, *client_ca});
    if (!context) return problem(context.error().detail);
    settings->tls = *std::move(context);
    return settings;
  }

  const std::string file_;
  std::optional<std::string> piped_;
  FileDigests digests_;
};

/// The file of the private key, and the configuration itself if it contains a key or hashes.
std::vector<std::string> files_with_secrets(const std::string& file, const WebConfig& config) {
  const bool key_in_place = config.tls && !config.tls->private_key.text.empty();
  const bool holds_secrets = key_in_place || !config.users.empty();
  return {holds_secrets ? file : "", config.tls ? config.tls->private_key.file : ""};
}

/// Parsed like in `routes`: both must agree on what a path is.
bool is_probe(const std::string& raw_target, const Site& site) {
  const std::optional<RequestTarget> target = parse_request_target(raw_target);
  const auto path = target ? site.path_inside(target->path) : std::nullopt;
  return path == "/-/healthy" || path == "/-/ready";
}

/// nullopt: not exactly one `Authorization` header, or not a valid one.
std::optional<BasicCredentials> credentials_of(const WebRequest& request) {
  const auto is_authorization = [](const auto& header) { return header.first == "authorization"; };
  const auto& headers = request.headers;
  if (std::count_if(headers.begin(), headers.end(), is_authorization) != 1) return std::nullopt;
  return parse_basic_credentials(request.header("authorization"));
}

WebResponse unauthorized() {
  WebResponse response = text_response(401, "401 unauthorized\n");
  response.headers.emplace_back("WWW-Authenticate",
                                "Basic realm=\"registry_exporter\", charset=\"UTF-8\"");
  return response;
}

WebResponse retry_later(int status, const std::string& why) {
  WebResponse response = text_response(status, std::to_string(status) + " " + why + "\n");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

void add_headers(WebResponse& response, const WebConfig& config) {
  for (const auto& header : config.headers) {
    std::erase_if(response.headers, [&](const auto& each) { return each.first == header.first; });
    response.headers.push_back(header);
  }
}

}  // namespace

WebAccess::WebAccess(Runtime runtime, std::string file)
    : runtime_(runtime), file_(std::move(file)), basic_auth_(runtime, {}) {}

tl::expected<std::unique_ptr<WebAccess>, std::vector<config::ConfigProblem>> WebAccess::open(
    Runtime runtime, std::string file) {
  std::unique_ptr<WebAccess> access(new WebAccess(runtime, std::move(file)));
  LoadedSettings loaded = SettingsLoader(access->file_, std::nullopt).load();
  if (!loaded.settings) return tl::unexpected(loaded.settings.error());
  const MutexLock lock(access->mutex_);
  access->settings_ = *std::move(loaded.settings);
  access->digests_ = std::move(loaded.digests);
  access->piped_ = std::move(loaded.piped);
  access->checked_at_ = runtime.clock.steady_now();
  config::warn_of_secret_files(files_with_secrets(access->file_, access->settings_->config));
  return access;
}

std::shared_ptr<const TlsContext> WebAccess::tls() { return current()->tls; }

std::optional<std::string> WebAccess::problem() {
  const MutexLock lock(mutex_);
  return problem_;
}

std::shared_ptr<const WebAccess::Settings> WebAccess::current() {
  const MutexLock lock(mutex_);
  const SteadyTime now = runtime_.clock.steady_now();
  if (now - checked_at_ >= kCheckInterval) {
    checked_at_ = now;
    reload_if_changed();
  }
  return settings_;
}

void WebAccess::reload_if_changed() {
  if (digests_now(digests_, kFileBytesMax) == digests_) return;
  LoadedSettings loaded = SettingsLoader(file_, piped_).load();
  digests_ = std::move(loaded.digests);
  if (loaded.settings) {
    settings_ = *std::move(loaded.settings);
    problem_.reset();
    log::info("web configuration reloaded", {{"file", file_}});
    config::warn_of_secret_files(files_with_secrets(file_, settings_->config));
    return;
  }
  const config::ConfigProblem& first = loaded.settings.error().front();
  const std::string place = file_ + (first.line > 0 ? ":" + std::to_string(first.line) : "");
  problem_ = place + ": " + first.message;
  log::error("web configuration not reloaded: the previous one stays in effect",
             {{"file", place}, {"error", first.message}});
}

bool WebAccess::takes_token(const RequestRate& rate) {
  const MutexLock lock(mutex_);
  const SteadyTime now = runtime_.clock.steady_now();
  const double full = rate.burst;
  const std::chrono::duration<double> passed = now - tokens_at_.value_or(now);
  const double earned = passed / std::chrono::duration<double>(rate.interval);
  tokens_ = tokens_at_ ? std::min(full, tokens_ + earned) : full;
  tokens_at_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

WebHandler WebAccess::guard(WebHandler inner, Site site) {
  return [this, inner = std::move(inner), site = std::move(site)](
             WebRequest request, std::function<void(WebResponse)> reply) {
    const std::shared_ptr<const Settings> settings = current();
    const auto respond = [settings, reply = std::move(reply)](WebResponse response) {
      add_headers(response, settings->config);
      reply(std::move(response));
    };
    const WebConfig& config = settings->config;
    if (config.rate_limit && !takes_token(*config.rate_limit)) {
      return respond(retry_later(429, "too many requests (rate_limit)"));
    }
    if (config.users.empty() || is_probe(request.target, site)) return inner(request, respond);
    const std::optional<BasicCredentials> credentials = credentials_of(request);
    if (!credentials) return respond(unauthorized());
    basic_auth_.check(config.users, *credentials, request.client_address,
                      [inner, request, respond](AuthResult result) {
                        if (result == AuthResult::granted) return inner(request, respond);
                        respond(result == AuthResult::denied
                                    ? unauthorized()
                                    : retry_later(503, "too many pending authentication attempts"));
                      });
  };
}

}  // namespace registry_exporter::web
