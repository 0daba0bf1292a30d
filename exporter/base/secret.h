#pragma once

#include <string>
#include <utility>

namespace registry_exporter {

/// A text that must never be shown: it has no stream operator, no formatter and no comparison that
/// prints. `reveal()` is the one way in, easy to search for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string text_;
};

}  // namespace registry_exporter
