#include "exporter/web/request_target.h"

#include <algorithm>
#include <utility>

#include "exporter/base/text.h"

namespace registry_exporter::web {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

/// The origin form of an absolute one; nullopt: neither.
std::optional<std::string> origin_form(std::string_view raw) {
  if (raw.starts_with('/')) return std::string(raw);
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_ignoring_case(raw, scheme)) continue;
    const std::string_view rest = raw.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    if (end == 0) return std::nullopt;
    const std::string_view path = rest.substr(end);
    return path.starts_with('/') ? std::string(path) : "/" + std::string(path);
  }
  return std::nullopt;
}

}  // namespace

std::optional<RequestTarget> parse_request_target(std::string_view raw) {
  if (raw == "*") return RequestTarget{"*", {}};
  const std::optional<std::string> origin = origin_form(raw);
  if (!origin || origin->find('#') != std::string::npos) return std::nullopt;
  const std::string_view whole = *origin;
  const std::size_t mark = std::min(whole.find('?'), whole.size());
  auto path = percent_decode(whole.substr(0, mark), false);
  auto query = parse_query(mark < whole.size() ? whole.substr(mark + 1) : std::string_view{});
  if (!path || !query) return std::nullopt;
  if (std::any_of(path->begin(), path->end(), is_control)) return std::nullopt;
  return RequestTarget{std::move(*path), std::move(*query)};
}

}  // namespace registry_exporter::web
