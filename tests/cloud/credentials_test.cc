#include "exporter/cloud/credentials.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/fake_runtime.h"

namespace registry_exporter::cloud {
namespace {

using namespace std::chrono_literals;

Keys pair(const std::string& name) {
  Keys keys;
  keys.access_key = name;
  keys.secret_key = Secret("secret of " + name);
  return keys;
}

tl::unexpected<Error> nothing(const std::string& why) {
  return fail(ErrorKind::invalid_config, why);
}

/// A place whose keys are at hand; empty: there are none.
struct Shelf {
  std::string holds;
  Source source() {
    return [this]() -> Result<CredentialCandidate> {
      if (holds.empty()) return nothing("the shelf is empty");
      CredentialCandidate candidate;
      candidate.source = "shelf";
      candidate.keys = pair(holds);
      return candidate;
    };
  }
};

/// A service that lends keys for an hour, named after it and numbered.
struct Service {
  std::string name;
  std::string secret = "s1";  ///< What it is asked with.
  Millis life = 1h;
  std::optional<ErrorKind> broken = {};
  int asked = 0;
  bool in_good_time = false;  ///< At the newest question.

  Source source(FakeRuntime& fake) {
    return [this, &fake]() -> Result<CredentialCandidate> {
      if (secret.empty()) return nothing(name + " has no secret");
      CredentialCandidate candidate;
      candidate.source = name;
      candidate.basis = secret;
      candidate.exchange = [this, &fake](bool good_time) -> Result<IssuedKeys> {
        ++asked;
        in_good_time = good_time;
        if (asked > 1000) throw std::runtime_error("asked without end");
        if (broken) return fail(*broken, name + " is broken");
        IssuedKeys issued;
        issued.keys = pair(name + std::to_string(asked));
        issued.keys.expires_at = fake.wall() + life;
        return issued;
      };
      return candidate;
    };
  }
};

struct World {
  FakeRuntime fake;
  int secrets_changed = 0;
  std::unique_ptr<Credentials> made;

  Credentials& with(std::vector<Source> sources) {
    made = std::make_unique<Credentials>(fake.runtime(), std::move(sources),
                                         [this] { ++secrets_changed; });
    return *made;
  }
  /// The access key that is used now, or why there is none.
  std::string used() {
    const Result<Keys> keys = made->get();
    return keys ? keys->access_key : keys.error().detail;
  }
};

TEST_CASE("credentials: keys at hand are read at every use, and other ones are told") {
  World world;
  Shelf shelf{"A"};
  Credentials& credentials = world.with({shelf.source()});
  const auto first = credentials.get();
  REQUIRE(first.has_value());
  CHECK(credentials.get()->generation == first->generation);
  CHECK(world.secrets_changed == 0);
  shelf.holds = "B";
  CHECK(world.used() == "B");
  CHECK(credentials.get()->generation == first->generation + 1);
  CHECK(world.secrets_changed == 1);
  CHECK_FALSE(credentials.expires_at().has_value());
  credentials.expired(credentials.get()->generation);  // They never do.
  CHECK(world.used() == "B");
}

TEST_CASE("credentials: the last good keys stay while there is nothing to read") {
  World world;
  Shelf shelf{"A"};
  world.with({shelf.source()});
  CHECK(world.used() == "A");
  shelf.holds = "";
  CHECK(world.used() == "A");
  CHECK(world.secrets_changed == 0);
}

TEST_CASE(
    "credentials: while the last good keys serve, a source that fails is asked now and then") {
  World world;
  Shelf shelf{"A"};
  Service service{"lender"};
  service.broken = ErrorKind::not_found;
  world.with({shelf.source(), service.source(world.fake)});
  CHECK(world.used() == "A");
  shelf.holds = "";
  for (int second = 0; second < 60; ++second) {
    CHECK(world.used() == "A");
    REQUIRE(service.asked < 10);  // Without a rest it is asked for ever, at one moment.
    world.fake.advance(1s);
  }
  CHECK(service.asked >= 2);
}

TEST_CASE("credentials: keys at hand that expire serve until then") {
  World world;
  const UnixMillis end = world.fake.wall() + 10min;
  Credentials& credentials = world.with({[&]() -> Result<CredentialCandidate> {
    if (world.fake.wall() >= end) return nothing("they are over");
    CredentialCandidate candidate;
    candidate.source = "shelf";
    candidate.keys = pair("A");
    candidate.keys.expires_at = end;
    return candidate;
  }});
  CHECK(world.used() == "A");
  CHECK(credentials.expires_at() == end);
  world.fake.advance(10min - 1ms);
  CHECK(world.used() == "A");
  world.fake.advance(1ms);
  CHECK(world.used() == "credentials: they are over");
}

TEST_CASE("credentials: the first source that has keys gives them, and nobody after it is asked") {
  struct Row {
    const char* name;
    bool has_secret, is_broken;
    const char* shelf;
    const char* used;
    int asked_second;
  };
  const Row rows[] = {
      {"the first lends", true, false, "S", "one1", 0},
      {"the first has nothing", false, false, "S", "two1", 1},
      {"the first is refused", true, true, "S", "two1", 1},
      {"only the last has any", false, false, "", "two1", 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    Service one{"one", row.has_secret ? "s" : ""};
    if (row.is_broken) one.broken = ErrorKind::unauthorized;
    Service two{"two"};
    Shelf shelf{row.shelf};
    world.with({one.source(world.fake), two.source(world.fake), shelf.source()});
    CHECK(world.used() == row.used);
    CHECK(two.asked == row.asked_second);
  }
}

TEST_CASE("credentials: without any, the error tells what each source said") {
  World world;
  Shelf shelf;
  Service service{"lender"};
  service.broken = ErrorKind::timeout;
  Credentials& credentials = world.with({shelf.source(), service.source(world.fake)});
  CHECK(credentials.available());
  const auto keys = credentials.get();
  REQUIRE_FALSE(keys.has_value());
  CHECK(keys.error().kind == ErrorKind::timeout);
  CHECK(keys.error().detail == "credentials: the shelf is empty; lender: lender is broken");
  CHECK_FALSE(credentials.available());
}

TEST_CASE("credentials: what somebody set up is to blame, not what nobody did") {
  World world;
  const Source unset = [] {
    return fail(ErrorKind::invalid_config, ErrorCause::not_set_up, "no variable");
  };
  Service service{"lender"};
  service.broken = ErrorKind::unauthorized;
  Service guess{"guess"};
  guess.broken = ErrorKind::timeout;
  const Source guessed = [source = guess.source(world.fake)]() {
    Result<CredentialCandidate> candidate = source();
    candidate->is_a_guess = true;
    return candidate;
  };
  world.with({unset, service.source(world.fake), guessed});
  const auto refused = world.made->get();
  CHECK(refused.error().kind == ErrorKind::unauthorized);
  CHECK(refused.error().detail == "credentials: lender: lender is broken");
  CHECK(guess.asked == 1);
  CHECK(world.secrets_changed == 0);
  guess.broken.reset();
  world.fake.advance(1min);
  CHECK(world.used() == "guess2");
  CHECK(world.secrets_changed == 1);  // The refusal was another's.
  guess.broken = ErrorKind::timeout;
  world.with({unset, guessed});
  const auto none = world.made->get();
  CHECK(none.error().kind == ErrorKind::timeout);
  CHECK(none.error().detail == "credentials: no variable; guess: guess is broken");
}

TEST_CASE("credentials: lent keys are renewed after 70 to 80 percent of their life") {
  World world;
  Service service{"lender"};
  service.life = 10h;
  Credentials& credentials = world.with({service.source(world.fake)});
  CHECK(world.used() == "lender1");
  CHECK(credentials.expires_at() == world.fake.wall() + 10h);
  world.fake.advance(7h - 1ms);
  CHECK(world.used() == "lender1");
  CHECK(service.asked == 1);
  world.fake.advance(1h + 1ms);
  CHECK(world.used() == "lender2");
  CHECK(service.in_good_time);
  CHECK(world.secrets_changed == 0);  // The same secret, other keys.
}

Source lender(Exchange exchange) {
  return [exchange = std::move(exchange)]() -> Result<CredentialCandidate> {
    CredentialCandidate candidate;
    candidate.source = "lender";
    candidate.exchange = exchange;
    return candidate;
  };
}

TEST_CASE("credentials: lives are told by the lender's clock, whatever ours says") {
  const UnixMillis long_ago{Millis{1'500'000'000'000}};
  struct Row {
    const char* name;
    std::optional<UnixMillis> as_of, expires_at;
    Millis life;
  };
  const Row rows[] = {
      {"ours is years ahead", long_ago, long_ago + 10h, 10h},
      {"no life told", {}, {}, 1h},
      {"a life that is over", {}, long_ago, 1h},
      {"a life of years", long_ago, long_ago + std::chrono::hours(24 * 400), 1h},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    int asked = 0;
    world.with({lender([&](bool) -> Result<IssuedKeys> {
      IssuedKeys issued{pair(std::to_string(++asked)), row.as_of, 1h};
      issued.keys.expires_at = row.expires_at;
      return issued;
    })});
    CHECK(world.used() == "1");
    world.fake.advance(row.life * 7 / 10 - 1ms);
    CHECK(world.used() == "1");
    world.fake.advance(row.life / 10 + 1ms);
    CHECK(world.used() == "2");
  }
}

TEST_CASE("credentials: a Date is cut to its second, and nothing is used once it has expired") {
  World world;
  int asked = 0;
  world.with({lender([&](bool) -> Result<IssuedKeys> {
    if (++asked > 1) return fail(ErrorKind::server_error, "broken");
    const UnixMillis now{Millis{1'500'000'000'999}};
    IssuedKeys issued{pair("1"), std::chrono::floor<std::chrono::seconds>(now), 1h};
    issued.keys.expires_at = now + 5s;
    return issued;
  })});
  CHECK(world.used() == "1");
  world.fake.advance(4s);
  CHECK(world.used() == "1");
  world.fake.advance(1s);
  CHECK(world.used() != "1");
}

TEST_CASE("credentials: a renewal that fails changes nothing until the keys have expired") {
  World world;
  Service service{"lender"};
  world.with({service.source(world.fake)});
  CHECK(world.used() == "lender1");
  service.broken = ErrorKind::server_error;
  world.fake.advance(50min);
  for (int i = 0; i < 5; ++i) CHECK(world.used() == "lender1");
  CHECK(service.asked == 2);  // Not pressed.
  world.fake.advance(1min);
  CHECK(world.used() == "lender1");
  CHECK(service.asked == 3);
  world.fake.advance(9min);
  CHECK(world.used().ends_with("lender is broken"));
  CHECK_FALSE(world.made->available());
  service.broken.reset();
  world.fake.advance(30s);
  CHECK(world.used().starts_with("lender"));
  CHECK(world.made->available());
}

TEST_CASE("credentials: a source that fails rests longer and longer, unless its secret changes") {
  World world;
  Service service{"lender"};
  service.broken = ErrorKind::unauthorized;
  world.with({service.source(world.fake)});
  for (int second = 0; second < 300; ++second) {
    world.used();
    world.fake.advance(1s);
  }
  CHECK(service.asked >= 300 / 30);
  CHECK(service.asked <= 300 / 27 + 6);
  service.broken.reset();
  service.secret = "s2";
  CHECK(world.used().starts_with("lender"));
  CHECK(world.secrets_changed == 1);
  service.secret = "s3";  // Also while the keys in use are good.
  const int before = service.asked;
  world.used();
  CHECK(service.asked == before + 1);
  CHECK(world.secrets_changed == 2);
}

TEST_CASE("credentials: whoever gave the keys in use is asked again, and only then the others") {
  World world;
  Service one{"one"};
  Service two{"two"};
  one.broken = ErrorKind::timeout;
  world.with({one.source(world.fake), two.source(world.fake)});
  CHECK(world.used() == "two1");
  one.broken.reset();
  world.fake.advance(50min);
  CHECK(world.used() == "two2");
  CHECK(one.asked == 1);
  two.broken = ErrorKind::timeout;
  world.fake.advance(50min);
  CHECK(world.used() == "two2");  // In good time nobody else is asked.
  CHECK(one.asked == 1);
  world.fake.advance(10min);
  CHECK(world.used() == "one2");
  CHECK(world.made->source() == "one");
}

TEST_CASE("credentials: only the generation that was refused is thrown away") {
  World world;
  Service service{"lender"};
  Credentials& credentials = world.with({service.source(world.fake)});
  const auto first = credentials.get();
  REQUIRE(first.has_value());
  credentials.expired(first->generation);
  credentials.expired(first->generation);
  CHECK(world.secrets_changed == 1);
  CHECK(world.used() == "lender2");
  CHECK_FALSE(service.in_good_time);
  credentials.expired(first->generation);  // A slow answer to the old keys.
  CHECK(world.used() == "lender2");
}

TEST_CASE("credentials: keys at hand are had without calling anybody, lent ones only if held") {
  World world;
  Service service{"lender"};
  Credentials& credentials = world.with({service.source(world.fake)});
  CHECK_FALSE(credentials.at_hand().has_value());
  CHECK(service.asked == 0);
  CHECK(world.used() == "lender1");
  world.fake.advance(50min);
  CHECK(credentials.at_hand()->access_key == "lender1");
  CHECK(service.asked == 1);
  Shelf shelf{"A"};
  CHECK(world.with({shelf.source()}).at_hand()->access_key == "A");
}

TEST_CASE("credentials: however many threads want keys, one asks for them") {
  constexpr int kThreads = 8;
  std::atomic<int> started = 0;
  std::atomic<int> asked = 0;
  std::atomic<int> got = 0;
  Credentials credentials(system_runtime(), {[&]() -> Result<CredentialCandidate> {
                            CredentialCandidate candidate;
                            candidate.source = "lender";
                            candidate.exchange = [&](bool) -> Result<IssuedKeys> {
                              ++asked;
                              while (started < kThreads) std::this_thread::yield();
                              std::this_thread::sleep_for(20ms);  // So that the others come, too.
                              return IssuedKeys{pair("A"), {}, 1h};
                            };
                            return candidate;
                          }},
                          [] {});
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      ++started;
      const auto keys = credentials.get();
      if (keys && keys->access_key == "A") ++got;
    });
  }
  threads.clear();
  CHECK(got == kThreads);
  CHECK(asked == 1);
}

}  // namespace
}  // namespace registry_exporter::cloud
