#include "exporter/ingest/showing.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using std::chrono::seconds;

namespace {

SteadyTime at_second(int second) { return SteadyTime{} + seconds(1'000 + second); }

Showing fresh() { return Showing({}, at_second(0)); }
/// Of a process that follows another one.
Showing restarted() { return Showing({.shown = true, .scraped = true}, at_second(0)); }

std::size_t released(Showing& showing, int second) {
  return showing.let_go(at_second(second), std::nullopt).released.size();
}

/// When the client's scrape begins.
Showing::LetGo begins(Showing& showing, const std::string& client, int second) {
  showing.scrape_begins(client, at_second(second));
  return showing.let_go(at_second(second), client);
}

}  // namespace

TEST_CASE("showing: a zero is let go once every scraper of the last minutes has seen it") {
  Showing showing = fresh();
  showing.answered("a", 1, at_second(0));
  showing.answered("b", 1, at_second(0));
  showing.hold(2, {7, 1});
  CHECK(released(showing, 1) == 0);
  showing.answered("a", 2, at_second(2));
  CHECK(released(showing, 3) == 0);
  showing.answered("b", 3, at_second(4));
  CHECK(released(showing, 4) == 1);
  CHECK(released(showing, 5) == 0);
}

TEST_CASE("showing: a scraper that stays away holds a zero back for a minute at most") {
  Showing showing = fresh();
  showing.answered("slow", 1, at_second(0));
  showing.hold(2, {7, 1});
  showing.answered("quick", 2, at_second(1));
  CHECK(released(showing, 59) == 0);
  CHECK(released(showing, 61) == 1);
}

TEST_CASE("showing: a scraper that was last here more than five minutes ago is not waited for") {
  Showing showing = fresh();
  showing.answered("gone", 1, at_second(0));
  showing.hold(2, {7, 1});
  showing.answered("a", 2, at_second(301));
  CHECK(released(showing, 301) == 1);
}

TEST_CASE("showing: a zero that nobody has seen is held however long") {
  Showing showing = fresh();
  showing.answered("a", 1, at_second(0));
  showing.hold(2, {7, 1});
  CHECK(released(showing, 10'000) == 0);
}

TEST_CASE(
    "showing: after a start a zero is seen at once, and released when its client comes back") {
  Showing showing = restarted();
  showing.hold(1, {7, 1});
  CHECK(begins(showing, "a", 1).seen.empty());
  showing.answered("a", 1, at_second(2));
  const Showing::LetGo let_go = showing.let_go(at_second(2), std::nullopt);
  CHECK(let_go.seen.size() == 1);
  CHECK(let_go.released.empty());
  CHECK(begins(showing, "b", 3).released.empty());
  showing.answered("b", 2, at_second(4));
  CHECK(begins(showing, "a", 17).released.size() == 1);
  CHECK(begins(showing, "b", 19).released.empty());
}

TEST_CASE("showing: after a start an answer that is under way is waited for, a minute at most") {
  Showing showing = restarted();
  showing.hold(1, {7, 1});
  begins(showing, "a", 1);
  showing.answered("a", 1, at_second(2));
  CHECK(released(showing, 2) == 0);
  CHECK(begins(showing, "b", 16).released.empty());
  CHECK(begins(showing, "a", 17).released.empty());
  CHECK(begins(showing, "a", 61).released.empty());
  CHECK(begins(showing, "c", 62).released.size() == 1);
}

TEST_CASE("showing: five minutes after a start all clients are known") {
  Showing showing = restarted();
  showing.answered("a", 1, at_second(299));
  showing.hold(2, {7, 1});
  showing.answered("a", 2, at_second(299));
  CHECK(released(showing, 299) == 0);
  CHECK(released(showing, 300) == 1);
}

TEST_CASE("showing: after five minutes without an answer the old values come first, once") {
  Showing showing = fresh();
  CHECK_FALSE(showing.scrape_begins("a", at_second(0)));
  showing.answered("a", 1, at_second(0));
  CHECK_FALSE(showing.scrape_begins("a", at_second(299)));
  CHECK(showing.scrape_begins("a", at_second(300)));
  CHECK(showing.frozen());
  CHECK_FALSE(showing.scrape_begins("a", at_second(301)));
  CHECK(showing.answered("a", 2, at_second(302)));
  CHECK_FALSE(showing.frozen());
  CHECK_FALSE(showing.answered("a", 3, at_second(303)));
}

TEST_CASE("showing: after a start with a past the first answer shows old values") {
  Showing showing = restarted();
  CHECK(showing.frozen());
  CHECK(showing.answered("a", 1, at_second(0)));
  CHECK_FALSE(showing.frozen());
}
