#include "exporter/model/list_end.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

using Total = std::optional<std::uint64_t>;

}  // namespace

TEST_CASE("list end: what a page tells") {
  struct Row {
    const char* name;
    PageSeen page;
    std::size_t short_below;
    ListEnd end;
  };
  const Row rows[] = {
      {"nothing", {{0, 100}, 0, Total(), {}}, 0, ListEnd::here},
      {"nothing, and a total", {{0, 100}, 0, Total(3), {}}, 0, ListEnd::unproven},
      {"nothing behind all of a total", {{1, 100}, 0, Total(100), {}}, 0, ListEnd::here},
      {"full", {{0, 100}, 100, Total(100), {}}, 0, ListEnd::not_yet},
      {"full by the size that was told", {{0, 100}, 25, Total(25), 25}, 50, ListEnd::not_yet},
      {"short of that size", {{0, 100}, 24, Total(), 25}, 50, ListEnd::here},
      {"a short first page", {{0, 100}, 37, Total(37), {}}, 0, ListEnd::unproven},
      {"as long as any", {{0, 100}, 37, Total(), {}}, 37, ListEnd::unproven},
      {"shorter than one that was seen", {{0, 100}, 37, Total(), {}}, 38, ListEnd::here},
      {"short, and more is promised", {{0, 100}, 37, Total(38), {}}, 100, ListEnd::not_yet},
      {"a later short page", {{2, 100}, 37, Total(), {}}, 0, ListEnd::here},
      {"the same, and more is promised", {{2, 100}, 37, Total(238), {}}, 0, ListEnd::not_yet},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.name));
    CHECK(list_end(row.page, row.short_below) == row.end);
  }
}

TEST_CASE("list end: a first page that was cut short tells the size to go on with") {
  CHECK(next_page_size({{0, 100}, 25, Total(), {}}) == 25);
  CHECK(next_page_size({{0, 100}, 100, Total(), {}}) == 100);
  CHECK(next_page_size({{0, 100}, 0, Total(), {}}) == 100);
  CHECK(next_page_size({{1, 100}, 25, Total(), {}}) == 100);
}

TEST_CASE("list end: two kinds of signs are believed where a total promises more") {
  const PageSeen full{{1, 10}, 10, Total(100), {}};
  const PageSeen short_one{{2, 10}, 4, Total(100), {}};
  const PageSeen none{{3, 10}, 0, Total(100), {}};
  SignsOfEnd after_short;
  CHECK_FALSE(after_short.saw(full));
  CHECK_FALSE(after_short.saw(short_one));
  CHECK(after_short.saw(none));
  SignsOfEnd after_full;
  CHECK_FALSE(after_full.saw(none));
  CHECK(after_full.same_again());
  CHECK_FALSE(after_full.saw(none));
  CHECK_FALSE(after_full.same_again());
  CHECK(after_full.saw(none));
  SignsOfEnd interrupted;
  CHECK_FALSE(interrupted.saw(none));
  CHECK_FALSE(interrupted.saw(full));
  CHECK_FALSE(interrupted.saw(none));
  CHECK_FALSE(interrupted.saw(none));
}

TEST_CASE("list end: a second page that repeats all of the first is a server that shows all") {
  CHECK(shows_all_at_once({{1, 3}, 3, Total(3), {}}, 3, 0));
  CHECK_FALSE(shows_all_at_once({{1, 3}, 3, Total(), {}}, 3, 0));
  CHECK_FALSE(shows_all_at_once({{1, 3}, 3, Total(9), {}}, 3, 0));
  CHECK_FALSE(shows_all_at_once({{1, 3}, 3, Total(3), {}}, 3, 1));
  CHECK_FALSE(shows_all_at_once({{1, 3}, 2, Total(3), {}}, 3, 0));
  CHECK_FALSE(shows_all_at_once({{2, 3}, 3, Total(3), {}}, 3, 0));
}

TEST_CASE("page limit: the longest page of late") {
  PageLimit limit(hours(1));
  const SteadyTime start{hours(5)};
  CHECK(limit.short_below(start) == 0);
  limit.saw(50, start);
  limit.saw(20, start + minutes(10));
  CHECK(limit.short_below(start + minutes(59)) == 50);
  CHECK(limit.short_below(start + minutes(61)) == 0);
  limit.saw(20, start + minutes(61));
  CHECK(limit.short_below(start + minutes(62)) == 20);
}
