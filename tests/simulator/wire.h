#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/base/percent_encoding.h"
#include "exporter/net/http_transport.h"
#include "tests/simulator/world.h"

namespace registry_exporter::simulator {

/// A request as it came over the wire.
struct WireRequest {
  std::string method;
  std::string target;        ///< Path and query, still encoded.
  net::HttpHeaders headers;  ///< Names in lower case.
  std::string body;

  /// Value of the first header called `lower_case_name`, or "".
  std::string_view header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers) {
      if (name == lower_case_name) return value;
    }
    return {};
  }
  std::string_view raw_path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view raw_query() const {
    const std::size_t mark = target.find('?');
    return mark == std::string::npos ? std::string_view()
                                     : std::string_view(target).substr(mark + 1);
  }
};

/// Value of the first pair called `name`, or "".
inline std::string_view value_of(const QueryPairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return value;
  }
  return {};
}

inline bool has_key(const QueryPairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return true;
  }
  return false;
}

/// The status of an answer that never comes.
inline constexpr int kNeverAnswered = 0;

/// What a list of `rows` is said to have, by a server that lies in its own way. nullopt: nothing.
inline std::optional<std::size_t> said_total(Totals totals, std::size_t all, std::size_t rows,
                                             std::uint64_t dice) {
  switch (totals) {
    case Totals::right:
      return all;
    case Totals::missing:
    case Totals::null:
      return std::nullopt;
    case Totals::zero:
      return 0;
    case Totals::low:
      return all / 2;
    case Totals::page_rows:
      return rows;
    case Totals::high:
      return all + 1000;
    case Totals::wild:
      return dice % 3000;
  }
  return std::nullopt;
}

/// A temporary key of either cloud.
struct LentKey {
  std::string id, secret, token;
  UnixMillis lent_at, expires_at;
};

/// How one answer lies about a list.
struct Lies {
  std::size_t rows_hidden = 0;    ///< The newest rows are not there yet, as on a replica behind.
  int total_off = 0;              ///< Added to the total alone, never below zero.
  bool regressed = false;         ///< acr: some ended builds are said to be building still.
  bool loose = false;             ///< Numbers come as strings and the other way round.
  bool other_repository = false;  ///< The rows are another repository's.
  bool empty = false;             ///< No rows, though the total promises some.
  bool first_page = false;        ///< Whatever page was asked for.
  std::uint64_t dice = 0;         ///< For the details.
};

}  // namespace registry_exporter::simulator
