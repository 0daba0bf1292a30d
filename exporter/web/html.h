#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/base/clock.h"

/// What the pages for people share. Pure. Every name is text in them, whatever it contains.
namespace registry_exporter {

/// Makes any bytes safe as HTML text or a quoted attribute: markup is escaped, what is not valid
/// UTF-8, a control character or one that turns the direction of text becomes U+FFFD.
std::string html_escape(std::string_view text);
/// Foreign text, kept apart from the direction of the text around it.
std::string foreign_html(std::string_view text);
/// A path as a link's target: only its slashes keep a meaning.
std::string link_target(std::string_view path);

/// "12,345"
std::string html_number(std::uint64_t number);
/// "3 min ago", with the exact time for machines and for those who point at it.
std::string html_ago(UnixMillis time, UnixMillis now);
/// "45 s", "3 min", "2 h", "5 d": one unit is enough for people.
std::string in_one_unit(Millis duration);

/// A whole page: `main` is HTML.
std::string html_page(std::string_view title, const std::string& main);

/// The Content-Security-Policy the pages are sent with: their own style sheet, by its hash, forms
/// that lead back to us, and nothing else.
std::string pages_policy();

}  // namespace registry_exporter
