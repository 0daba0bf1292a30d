// Shell: writes to stderr.
#include "exporter/base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "exporter/base/line_queue.h"
#include "exporter/base/runtime.h"
#include "exporter/base/time_text.h"

namespace registry_exporter::log {
namespace {

std::atomic<Format> current_format{Format::logfmt};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view word(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "info";
}

/// A quoted string that is valid in JSON and in logfmt; bytes that are no plain ASCII text and
/// control characters are escaped, so that a hostile name can't forge a line or paint a terminal.
std::string quoted(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += "\\u00";
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15U]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) >= 0x7f) {
      return false;
    }
  }
  return true;
}

void append(std::string& line, std::string_view key, std::string_view value, Format format) {
  if (format == Format::json) {
    line += line.empty() ? "{" : ",";
    line += quoted(key) + ":" + quoted(value);
    return;
  }
  if (!line.empty()) line.push_back(' ');
  line += key;
  line.push_back('=');
  line += is_plain(value) ? std::string(value) : quoted(value);
}

std::string line_of(Level level, std::string_view message, std::initializer_list<Field> fields) {
  const Format format = current_format;
  std::string line;
  append(line, "ts", format_rfc3339_millis(system_runtime().clock.now()), format);
  append(line, "level", word(level), format);
  append(line, "msg", message, format);
  for (const Field& field : fields) append(line, field.key, field.value, format);
  if (format == Format::json) line.push_back('}');
  return line;
}

class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void hold_nobody_up() {
    const std::lock_guard<std::mutex> lock(mutex_);
    // Never deleted: its thread may be blocked when the process ends.
    if (queue_ == nullptr) queue_ = new LineQueue(STDERR_FILENO, system_runtime());
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lost_ > 0 && write(line_of(Level::error, "log lines were lost: stderr took none",
                                   {{"lines", std::to_string(lost_)}}))) {
      lost_ = 0;
    }
    if (!write({message.payload.data(), message.payload.size()})) ++lost_;
  }
  void flush_() override {}

  bool write(std::string_view line) {
    if (queue_ != nullptr) return queue_->write(line);
    write_line(STDERR_FILENO, std::string(line));
    return true;
  }

  LineQueue* queue_ = nullptr;
  std::uint64_t lost_ = 0;
};

const std::shared_ptr<StderrSink>& sink() {
  static const auto instance = std::make_shared<StderrSink>();
  return instance;
}

spdlog::logger& logger() {
  static spdlog::logger instance("log", sink());
  return instance;
}

}  // namespace

void configure(Level level, Format format) {
  logger().set_level(to_spdlog(level));
  current_format = format;
}

void hold_nobody_up() { sink()->hold_nobody_up(); }

bool enabled(Level level) { return logger().should_log(to_spdlog(level)); }

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  const std::string line = line_of(level, message, fields);
  logger().log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace registry_exporter::log
