// Shell: reads the web configuration and what it names.
#include "exporter/web/gate.h"

#include <algorithm>

#include "exporter/base/files.h"
#include "exporter/base/log.h"
#include "exporter/config/secret_files.h"
#include "exporter/web/http_head.h"
#include "exporter/web/target.h"

namespace registry_exporter {
namespace {

constexpr std::size_t kFileBytesMax = 1U << 20U;
/// A change is in force for the next connection a second later, so we look twice as often.
constexpr Millis kLookEvery{500};

Sha256 trace_of(const Result<std::string>& content) {
  return sha256(content ? "content " + *content : "error " + content.error().detail);
}

/// One reading of the configuration and of all the files it names.
struct Reading {
  Gate::Trace trace;
  std::optional<std::string> piped;
  tl::expected<std::shared_ptr<const Gate::Settings>, std::vector<ConfigProblem>> settings;
};

class Reader {
 public:
  /// `piped`: the text, when it came through a pipe before.
  Reader(std::string file, std::optional<std::string> piped)
      : file_(std::move(file)), piped_(std::move(piped)) {}

  Reading read() {
    auto settings = read_settings();
    return {std::move(trace_), std::move(piped_), std::move(settings)};
  }

 private:
  using Problem = tl::unexpected<std::vector<ConfigProblem>>;
  static Problem problem(std::string message) {
    return Problem(std::vector<ConfigProblem>{{0, std::move(message)}});
  }

  Result<std::string> content_of(const std::string& path) {
    Result<std::string> content = read_file(path, kFileBytesMax);
    trace_.emplace_back(path, trace_of(content));
    return content;
  }

  /// What came through a pipe is kept: it can't be read again, and doesn't change.
  Result<std::string> configuration() {
    if (piped_) return *piped_;
    Result<WholeText> whole = read_file_or_pipe(file_, kFileBytesMax);
    if (whole && whole->is_from_pipe) {
      piped_ = std::move(whole->text);
      return *piped_;
    }
    Result<std::string> content = std::move(whole).map(&WholeText::text);
    trace_.emplace_back(file_, trace_of(content));
    return content;
  }

  /// Where relative names begin: beside the file; through a pipe, where the program was started.
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

  tl::expected<std::shared_ptr<const Gate::Settings>, std::vector<ConfigProblem>> read_settings() {
    const auto text = configuration();
    if (!text) return problem(text.error().detail.substr(file_.size() + 2));
    auto config = parse_web_config(*text, folder());
    if (!config) return Problem(config.error());
    auto settings = std::make_shared<Gate::Settings>();
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
  Gate::Trace trace_;
};

/// The private key, and the file itself where it holds one or hashes that could be guessed at.
std::vector<std::string> files_with_secrets(const std::string& file, const WebConfig& config) {
  const bool key_in_place = config.tls && !config.tls->private_key.text.empty();
  const bool holds_secrets = key_in_place || !config.users.empty();
  return {holds_secrets ? file : "", config.tls ? config.tls->private_key.file : ""};
}

/// The paths of probes; as `routes` understands them.
bool is_probe(const std::string& raw_target) {
  const std::optional<Target> target = parse_target(raw_target);
  return target && (target->path == "/-/healthy" || target->path == "/-/ready");
}

/// The one `Authorization` of a request; several are none.
std::optional<BasicCredentials> credentials_of(const WebRequest& request) {
  const auto is_authorization = [](const auto& header) { return header.first == "authorization"; };
  const auto& headers = request.headers;
  if (std::count_if(headers.begin(), headers.end(), is_authorization) != 1) return std::nullopt;
  return parse_basic_credentials(request.header("authorization"));
}

WebAnswer unauthorized() {
  WebAnswer answer = text_answer(401, "401 unauthorized\n");
  answer.headers.emplace_back("WWW-Authenticate",
                              "Basic realm=\"registry_exporter\", charset=\"UTF-8\"");
  return answer;
}

WebAnswer try_later(int status, const std::string& why) {
  WebAnswer answer = text_answer(status, std::to_string(status) + " " + why + "\n");
  answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

void add_headers(WebAnswer& answer, const WebConfig& config) {
  for (const auto& header : config.headers) {
    std::erase_if(answer.headers, [&](const auto& each) { return each.first == header.first; });
    answer.headers.push_back(header);
  }
}

}  // namespace

Gate::Gate(Runtime runtime, std::string file)
    : runtime_(runtime), file_(std::move(file)), basic_auth_(runtime, {}) {}

tl::expected<std::unique_ptr<Gate>, std::vector<ConfigProblem>> Gate::open(Runtime runtime,
                                                                           std::string file) {
  std::unique_ptr<Gate> gate(new Gate(runtime, std::move(file)));
  Reading reading = Reader(gate->file_, std::nullopt).read();
  if (!reading.settings) return tl::unexpected(reading.settings.error());
  gate->settings_ = *std::move(reading.settings);
  gate->trace_ = std::move(reading.trace);
  gate->piped_ = std::move(reading.piped);
  gate->looked_at_ = runtime.clock.steady_now();
  warn_of_secret_files(files_with_secrets(gate->file_, gate->settings_->config));
  return gate;
}

std::shared_ptr<const TlsContext> Gate::tls() { return current()->tls; }

std::optional<std::string> Gate::problem() {
  const std::lock_guard lock(mutex_);
  return problem_;
}

std::shared_ptr<const Gate::Settings> Gate::current() {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = runtime_.clock.steady_now();
  if (now - looked_at_ >= kLookEvery) {
    looked_at_ = now;
    look_again();
  }
  return settings_;
}

/// By content, not by time: links that are turned over and files that are written twice within a
/// clock's tick are noticed too.
void Gate::look_again() {
  const bool same = std::all_of(trace_.begin(), trace_.end(), [](const auto& each) {
    return trace_of(read_file(each.first, kFileBytesMax)) == each.second;
  });
  if (same) return;
  Reading reading = Reader(file_, piped_).read();
  trace_ = std::move(reading.trace);
  if (reading.settings) {
    settings_ = *std::move(reading.settings);
    problem_.reset();
    log::info("web configuration in force", {{"file", file_}});
    warn_of_secret_files(files_with_secrets(file_, settings_->config));
    return;
  }
  const ConfigProblem& first = reading.settings.error().front();
  const std::string place = file_ + (first.line > 0 ? ":" + std::to_string(first.line) : "");
  problem_ = place + ": " + first.message;
  log::error("web configuration not taken over: the old one stays in force",
             {{"file", place}, {"error", first.message}});
}

bool Gate::takes_token(const RequestRate& rate) {
  const std::lock_guard lock(mutex_);
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

WebHandler Gate::guard(WebHandler inner) {
  return
      [this, inner = std::move(inner)](WebRequest request, std::function<void(WebAnswer)> reply) {
        const std::shared_ptr<const Settings> settings = current();
        const auto answer = [settings, reply = std::move(reply)](WebAnswer made) {
          add_headers(made, settings->config);
          reply(std::move(made));
        };
        const WebConfig& config = settings->config;
        if (config.rate_limit && !takes_token(*config.rate_limit)) {
          return answer(try_later(429, "too many requests (rate_limit)"));
        }
        if (config.users.empty() || is_probe(request.target)) return inner(request, answer);
        const std::optional<BasicCredentials> credentials = credentials_of(request);
        if (!credentials) return answer(unauthorized());
        basic_auth_.check(config.users, *credentials, request.client_address,
                          [inner, request, answer](Verdict verdict) {
                            if (verdict == Verdict::granted) return inner(request, answer);
                            answer(verdict == Verdict::denied
                                       ? unauthorized()
                                       : try_later(503, "too many passwords to look at"));
                          });
      };
}

}  // namespace registry_exporter
