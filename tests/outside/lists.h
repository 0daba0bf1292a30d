#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tests/ingest/fake_list.h"

namespace registry_exporter::ingest {

inline FakeList with_records(int count) {
  FakeList list;
  for (int i = count - 1; i >= 0; --i) {
    list.newest_first.push_back(done("b" + std::to_string(i), 900'000 + i * 10));
  }
  return list;
}

inline void add_record(FakeList& list, const std::string& id) {
  const auto newest = list.newest_first.front().started_at->time_since_epoch().count() / 1000;
  list.newest_first.insert(list.newest_first.begin(), done(id, newest + 10));
}

inline std::function<std::optional<Error>(std::size_t)> refuse_from(std::size_t depth,
                                                                    ErrorKind kind) {
  return [=](std::size_t row) -> std::optional<Error> {
    if (row < depth) return std::nullopt;
    return Error{kind, "too deep", {}, {}};
  };
}

}  // namespace registry_exporter::ingest
