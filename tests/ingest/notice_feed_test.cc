#include "exporter/ingest/notice_feed.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr NoticeFeed::Options kOptions{true, minutes(10), hours(1), 100};
constexpr std::size_t kMany = 1'000;
constexpr SteadyTime kStart{hours(1)};

/// What a cloud lists: notices numbered from 1, a second apart.
struct Told {
  int count = 0;
  bool newest_first = true;
  int page_size = 100;

  Notice number(int number) const {
    return {std::to_string(number),
            &kBuilds,
            {"shop", "api", ""},
            UnixMillis(hours(480'000)) + seconds(number)};
  }
  NoticePage page(const PageRequest& request) const {
    NoticePage page;
    page.total = static_cast<std::uint64_t>(count);
    const int size = std::min(request.size, page_size);
    for (int row = request.index * size; row < std::min(count, (request.index + 1) * size); ++row) {
      page.notices.push_back(number(newest_first ? count - row : row + 1));
    }
    page.rows = page.notices.size();
    return page;
  }
};

/// The numbers of the notices that a reading takes for new, sorted; `calls`: how many pages it
/// read.
std::vector<int> read(NoticeFeed& feed, const Told& told, SteadyTime now, int* calls = nullptr) {
  std::vector<int> found;
  int asked = 0;
  for (feed.begin(now); feed.next(); ++asked) {
    for (const Notice& notice : feed.take(told.page(*feed.next()), now)) {
      found.push_back(std::stoi(notice.id));
    }
  }
  std::sort(found.begin(), found.end());
  if (calls != nullptr) *calls = asked;
  return found;
}

std::vector<int> numbers(int first, int last) {
  std::vector<int> all;
  for (int i = first; i <= last; ++i) all.push_back(i);
  return all;
}

}  // namespace

TEST_CASE("notices: what is new since the last reading is found, whatever the list's order") {
  for (const bool newest_first : {true, false}) {
    for (const int page_size : {100, 30}) {
      CAPTURE(newest_first);
      CAPTURE(page_size);
      NoticeFeed feed(kOptions);
      Told told{250, newest_first, page_size};
      read(feed, told, kStart);
      told.count = 253;
      int calls = 0;
      CHECK(read(feed, told, kStart + seconds(30), &calls) == numbers(251, 253));
      CHECK(calls <= 2);
      CHECK(read(feed, told, kStart + seconds(60), &calls).empty());
      CHECK(calls == 1);
    }
  }
}

TEST_CASE("notices: more than a page of new ones is read on, but not without end") {
  NoticeFeed feed(kOptions);
  Told told{50};
  read(feed, told, kStart);
  told.count = 50 + 230;
  CHECK(read(feed, told, kStart + seconds(30)) == numbers(51, 280));
  told.count = 280 + 5'000;
  int calls = 0;
  CHECK(read(feed, told, kStart + seconds(60), &calls).size() == 500);
  CHECK(calls == 5);
}

TEST_CASE("notices: the first reading asks for one page") {
  NoticeFeed feed(kOptions);
  int calls = 0;
  read(feed, Told{5'000}, kStart, &calls);
  CHECK(calls == 1);
}

TEST_CASE("notices: a list that became shorter, or turned round, is found again") {
  NoticeFeed feed(kOptions);
  Told told{450, false};
  read(feed, told, kStart);
  told.count = 20;
  read(feed, told, kStart + seconds(30));
  read(feed, told, kStart + seconds(60));
  told.count = 21;
  CHECK(read(feed, told, kStart + seconds(90)) == numbers(21, 21));

  told = {450, false};
  read(feed, told, kStart + seconds(120));
  told.newest_first = true;
  read(feed, told, kStart + seconds(150));
  read(feed, told, kStart + seconds(180));
  told.count = 451;
  CHECK(read(feed, told, kStart + seconds(210)) == numbers(451, 451));
}

TEST_CASE("notices: they are asked for where there are many lists, and the cloud has some") {
  CHECK_FALSE(NoticeFeed(kOptions).due(99, true, kStart));
  CHECK(NoticeFeed(kOptions).due(100, true, kStart));
  NoticeFeed::Options none = kOptions;
  none.offered = false;
  CHECK_FALSE(NoticeFeed(none).due(kMany, true, kStart));
}

TEST_CASE("notices: a list that tells something is asked again at once, a silent one rarely") {
  NoticeFeed feed(kOptions);
  Told told{5};
  read(feed, told, kStart);
  CHECK(feed.due(kMany, true, kStart + seconds(1)));
  CHECK_FALSE(feed.due(kMany, false, kStart + minutes(9)));  // Notices that are worth nothing.
  CHECK(feed.due(kMany, false, kStart + minutes(10)));

  const SteadyTime later = kStart + minutes(16);
  read(feed, told, later);  // Nothing new for 16 minutes: it may be asked again after two.
  CHECK_FALSE(feed.due(kMany, true, later + minutes(2)));
  CHECK(feed.due(kMany, true, later + minutes(3)));
  const SteadyTime next_day = kStart + hours(24);
  read(feed, told, next_day);
  CHECK_FALSE(feed.due(kMany, true, next_day + minutes(9)));
  CHECK(feed.due(kMany, true, next_day + minutes(10)));

  NoticeFeed silent(kOptions);
  read(silent, Told{0}, kStart);
  CHECK_FALSE(silent.due(kMany, true, kStart + minutes(9)));
  CHECK(silent.due(kMany, true, kStart + minutes(10)));
}

TEST_CASE("notices: a refusal is not asked for again for long, an outage is") {
  NoticeFeed feed(kOptions);
  Told told{50};
  read(feed, told, kStart);
  feed.begin(kStart + seconds(30));
  feed.take(fail(ErrorKind::forbidden, "no"), kStart + seconds(30));
  CHECK_FALSE(feed.next());
  CHECK_FALSE(feed.due(kMany, true, kStart + minutes(60)));
  CHECK(feed.due(kMany, true, kStart + minutes(61)));

  feed.begin(kStart + hours(2));
  feed.take(fail(ErrorKind::server_error, "broken"), kStart + hours(2));
  CHECK_FALSE(feed.due(kMany, true, kStart + hours(2) + minutes(9)));
  CHECK(feed.due(kMany, true, kStart + hours(2) + minutes(10)));
  told.count = 51;  // What was known before is known still.
  CHECK(read(feed, told, kStart + hours(3)) == numbers(51, 51));
}
