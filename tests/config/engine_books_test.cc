#include "exporter/engine_books.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

using namespace registry_exporter;

namespace {

const std::string kOpen = "images\nswr\neu-west-101\n";  // The project is left out.

struct Books : EngineBooks {
  void add(const std::string& identity, std::optional<int> created, int last_success = 0) {
    auto registry = std::make_unique<ingest::TrackedRegistry>();
    registry->state.identity = identity;
    if (created) registry->state.created_at = UnixMillis(Millis(*created));
    registry->state.last_success = UnixMillis(Millis(last_success));
    registries[identity] = std::move(registry);
  }
  std::string taken(const std::string& identity) {
    const auto registry = take(identity);
    return registry ? registry->state.identity : "nothing";
  }
};

}  // namespace

TEST_CASE("engine books: a registry is known by its whole identity, and handed out once") {
  Books books;
  books.add("a\nacr\ncri-1", 1);
  CHECK(books.taken("a\nacr\ncri-2") == "nothing");
  CHECK(books.taken("a\nacr\ncri-") == "nothing");
  CHECK(books.taken("a\nacr\ncri-1") == "a\nacr\ncri-1");
  CHECK(books.taken("a\nacr\ncri-1") == "nothing");
}

TEST_CASE("engine books: without a project it is the region's that was read last") {
  Books books;
  books.add(kOpen + "p1", 1, 50);
  books.add(kOpen + "p2", 1, 70);
  books.add(kOpen + "p3", 1, 60);
  books.add("images\nswr\neu-west-102\np4", 1, 90);
  books.add("other\nswr\neu-west-101\np5", 1, 90);
  CHECK(books.taken(kOpen) == kOpen + "p2");
  CHECK(books.taken(kOpen) == kOpen + "p3");
}

TEST_CASE("engine books: a project that was never read is not the region's") {
  Books books;
  books.add(kOpen + "p1", std::nullopt, 90);
  CHECK(books.taken(kOpen) == "nothing");
  books.add(kOpen + "p2", 1, 10);
  CHECK(books.taken(kOpen) == kOpen + "p2");
  CHECK(books.taken(kOpen + "p1") == kOpen + "p1");
}

TEST_CASE("engine books: a region without a project goes on, unless one was read since") {
  Books books;
  books.add(kOpen, std::nullopt);
  CHECK(books.taken(kOpen) == kOpen);
  books.add(kOpen, std::nullopt, 90);
  books.add(kOpen + "p1", 1, 10);
  CHECK(books.taken(kOpen) == kOpen + "p1");  // The one without a project was never read.
  books.add(kOpen, 1, 90);
  books.add(kOpen + "p1", 1, 10);
  CHECK(books.taken(kOpen) == kOpen);
}
