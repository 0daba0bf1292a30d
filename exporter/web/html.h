#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/base/clock.h"

/// What the pages for people share. Pure.
namespace registry_exporter::web {

/// Text with markup. Only string literals and escape() make one, so that no name, error or query
/// can bring markup of its own into a page.
class Html {
 public:
  Html() = default;
  template <std::size_t Size>
  Html(const char (&literal)[Size]) : text_(literal, Size - 1) {}  // Implicit: literals are safe.
  template <std::size_t Size>
  Html(char (&buffer)[Size]) = delete;  // Not a literal: escape() it.

  Html& operator+=(const Html& more) {
    text_ += more.text_;
    return *this;
  }
  friend Html operator+(Html first, const Html& second) { return std::move(first += second); }
  bool operator==(const Html&) const = default;

  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  explicit Html(std::string text) : text_(std::move(text)) {}
  friend Html escape(std::string_view text);

  std::string text_;
};

/// Any bytes as HTML text or as the value of a quoted attribute: markup is escaped. Bytes that are
/// not UTF-8, control characters and characters that change the text direction become U+FFFD.
Html escape(std::string_view text);
/// Escaped text in an element of its own, so that its direction can't affect the text around it.
Html isolated(std::string_view text);
/// A path as the target of a link: only its slashes keep a meaning.
Html link_target(std::string_view path);

/// "12,345"
Html html_number(std::uint64_t number);
/// "3 min ago", with the exact time in the attributes of its element.
Html html_ago(UnixMillis time, UnixMillis now);
/// "45 s", "3 min", "2 h", "5 d": rounded down to one unit.
std::string in_one_unit(Millis duration);

/// A whole page around `main`.
Html html_page(std::string_view title, const Html& main);

/// The Content-Security-Policy of the pages: their own style sheet, by its hash, forms that lead
/// back to us, and nothing else.
std::string pages_policy();

}  // namespace registry_exporter::web
