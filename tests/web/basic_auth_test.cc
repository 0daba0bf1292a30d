#include "exporter/web/basic_auth.h"

#include <crypt.h>
#include <doctest/doctest.h>

#include <future>
#include <mutex>

#include "exporter/base/runtime.h"

using namespace registry_exporter;
using namespace registry_exporter::web;
using namespace std::string_literals;

namespace {

/// A bcrypt hash, as cheap as they come.
std::string hash_of(const std::string& password,
                    const std::string& salt = "abcdefghijklmnopqrstuu") {
  crypt_data scratch{};
  return crypt_r(password.c_str(), ("$2b$04$" + salt).c_str(), &scratch);
}

AuthResult ask(BasicAuth& auth, const WebUsers& users, const std::string& user,
               const std::string& password, const std::string& client = "192.0.2.1") {
  std::promise<AuthResult> verdict;
  auth.check(users, {user, password}, client, [&](AuthResult given) { verdict.set_value(given); });
  return verdict.get_future().get();
}

}  // namespace

TEST_CASE("basic credentials: base64 of name, colon, password, strictly") {
  struct Row {
    const char* name;
    std::string header;
    std::optional<BasicCredentials> expected;
  };
  const Row rows[] = {
      {"usual", "Basic YWxpY2U6c2VjcmV0", BasicCredentials{"alice", "secret"}},
      {"one =", "Basic YWxpY2U6c2VjcmU=", BasicCredentials{"alice", "secre"}},
      {"two =", "Basic YWxpY2U6c2VjcmV0cw==", BasicCredentials{"alice", "secrets"}},
      {"scheme in another case", "bAsIc YTpi", BasicCredentials{"a", "b"}},
      {"more blanks", "Basic  \t YTpi ", BasicCredentials{"a", "b"}},
      {"password with colons", "Basic YTpiOmM6", BasicCredentials{"a", "b:c:"}},
      {"nothing but a colon", "Basic Og==", BasicCredentials{"", ""}},
      {"bytes above ASCII", "Basic w6Q6/w==", BasicCredentials{"\xc3\xa4", "\xff"}},
      {"a NUL", "Basic YTpiAGM=", BasicCredentials{"a", "b\0c"s}},
      {"empty", "", std::nullopt},
      {"scheme alone", "Basic", std::nullopt},
      {"scheme and blank", "Basic ", std::nullopt},
      {"no blank", "BasicYTpi", std::nullopt},
      {"another scheme", "Bearer YTpi", std::nullopt},
      {"no colon", "Basic YWJj", std::nullopt},
      {"no base64", "Basic !!!!", std::nullopt},
      {"base64 for URLs", "Basic w6Q6_w==", std::nullopt},
      {"cut", "Basic YTp", std::nullopt},
      {"three =", "Basic Y===", std::nullopt},
      {"= inside", "Basic YT==YTpi", std::nullopt},
      {"blank inside", "Basic YT pi", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(parse_basic_credentials(row.header) == row.expected);
  }
}

TEST_CASE("basic auth: the right password of the right user, and nothing else") {
  BasicAuth auth(system_runtime(), {});
  const std::string salt = "ABCDEFGHIJKLMNOPQRSTUu";
  const WebUsers users{{"alice", hash_of("secret")},
                       {"bob", hash_of("other", salt)},
                       {"empty", hash_of("")},
                       {"long", hash_of(std::string(72, 'x'))}};
  CHECK(ask(auth, users, "alice", "secret") == AuthResult::granted);
  CHECK(ask(auth, users, "bob", "other") == AuthResult::granted);
  CHECK(ask(auth, users, "empty", "") == AuthResult::granted);
  CHECK(ask(auth, users, "long", std::string(4000, 'x')) == AuthResult::granted);  // bcrypt's limit
  struct Row {
    std::string user;
    std::string password;
  };
  const Row rows[] = {
      {"alice", "other"},
      {"alice", ""},
      {"alice", "Secret"},
      {"alice", "secret "},
      {"alice", "secret\0"s},
      {"alice", "secret\0x"s},
      {"alice", hash_of("secret")},
      {"bob", "secret"},
      {"Alice", "secret"},
      {"", "secret"},
      {"", ""},
      {"nobody", "secret"},
      {"nobody", ""},
      {"alice\0"s, "secret"},
      {"long", std::string(71, 'x')},
  };
  for (const Row& row : rows) {
    CAPTURE(row.user);
    CAPTURE(row.password);
    CHECK(ask(auth, users, row.user, row.password) == AuthResult::denied);
  }
}

TEST_CASE("basic auth: a right password is hashed once, wrong ones each time") {
  BasicAuth auth(system_runtime(), {});
  const WebUsers users{{"alice", hash_of("secret")}};
  for (int i = 0; i < 5; ++i) CHECK(ask(auth, users, "alice", "secret") == AuthResult::granted);
  CHECK(auth.hashed() == 1);
  for (int i = 0; i < 3; ++i) CHECK(ask(auth, users, "alice", "wrong") == AuthResult::denied);
  CHECK(auth.hashed() == 4);
}

TEST_CASE("basic auth: names that don't exist are hashed like those that do") {
  BasicAuth auth(system_runtime(), {});
  const WebUsers users{{"alice", hash_of("secret")}};
  CHECK(ask(auth, users, "nobody", "secret") == AuthResult::denied);
  CHECK(auth.hashed() == 1);
}

TEST_CASE("basic auth: what is remembered can't be moved to other names, hashes or passwords") {
  BasicAuth auth(system_runtime(), {});
  const WebUsers before{{"ab", hash_of("c")}};
  CHECK(ask(auth, before, "ab", "c") == AuthResult::granted);
  // The same bytes, cut elsewhere.
  const WebUsers cut{{"a", hash_of("x")}};
  CHECK(ask(auth, cut, "a", "bc") == AuthResult::denied);
  // Another hash for the same name: the old password is over at once.
  const WebUsers after{{"ab", hash_of("new")}};
  CHECK(ask(auth, after, "ab", "c") == AuthResult::denied);
  // The same bytes, cut behind a hash that is part of a password.
  const std::string inner = hash_of("inner");
  const WebUsers longer{{"a", hash_of(inner + "z")}};
  CHECK(ask(auth, longer, "a", inner + "z") == AuthResult::granted);
  const WebUsers moved{{"a" + longer.at("a"), inner}};
  CHECK(ask(auth, moved, "a" + longer.at("a"), "z") == AuthResult::denied);
  // A name removed.
  CHECK(ask(auth, cut, "ab", "c") == AuthResult::denied);
}

TEST_CASE("basic auth: guesses push nothing out, and no more than the limit is remembered") {
  BasicAuth auth(system_runtime(), {.verified_max = 2});
  const WebUsers users{{"a", hash_of("1")}, {"b", hash_of("2")}, {"c", hash_of("3")}};
  CHECK(ask(auth, users, "a", "1") == AuthResult::granted);
  CHECK(ask(auth, users, "b", "2") == AuthResult::granted);
  for (int i = 0; i < 5; ++i) ask(auth, users, "a", "guess " + std::to_string(i));
  CHECK(ask(auth, users, "a", "1") == AuthResult::granted);
  CHECK(ask(auth, users, "b", "2") == AuthResult::granted);
  CHECK(auth.hashed() == 7);
  CHECK(ask(auth, users, "c", "3") == AuthResult::granted);  // Pushes "a" out.
  CHECK(ask(auth, users, "a", "1") == AuthResult::granted);
  CHECK(auth.hashed() == 9);
}

namespace {

/// Threads that never get to run: what is queued stays queued.
class NoThreads final : public Threads {
 public:
  std::unique_ptr<Waiter> make_waiter() override { return system_runtime().threads.make_waiter(); }
  std::unique_ptr<Thread> start(std::string, std::function<void()>) override { return nullptr; }
};

}  // namespace

TEST_CASE("basic auth: the queue is bounded, for one client and for all") {
  NoThreads threads;
  std::vector<AuthResult> verdicts;
  const auto note = [&](AuthResult verdict) { verdicts.push_back(verdict); };
  const WebUsers users{{"a", hash_of("1")}};
  {
    BasicAuth auth({system_runtime().clock, threads, system_runtime().entropy},
                   {.pending_max = 3, .pending_per_client_max = 2});
    auth.check(users, {"a", "x"}, "one", note);
    auth.check(users, {"a", "y"}, "one", note);
    CHECK(verdicts.empty());
    auth.check(users, {"a", "z"}, "one", note);  // Over the client's share.
    CHECK(verdicts == std::vector{AuthResult::busy});
    auth.check(users, {"a", "x"}, "one", note);  // The same again waits with the first.
    auth.check(users, {"a", "z"}, "two", note);
    CHECK(verdicts.size() == 1);
    auth.check(users, {"a", "w"}, "three", note);  // Over everybody's.
    CHECK(verdicts == std::vector{AuthResult::busy, AuthResult::busy});
  }
  CHECK(verdicts == std::vector(6, AuthResult::busy));  // Nobody is left without an answer.
}

TEST_CASE("basic auth: passwords asked for at the same time are hashed once") {
  std::mutex mutex;
  std::vector<AuthResult> verdicts;
  const WebUsers users{{"a", hash_of("1")}};
  BasicAuth auth(system_runtime(), {});
  for (int i = 0; i < 50; ++i) {
    auth.check(users, {"a", "1"}, "one", [&](AuthResult verdict) {
      const std::lock_guard lock(mutex);
      verdicts.push_back(verdict);
    });
  }
  CHECK(ask(auth, users, "a", "1") == AuthResult::granted);
  CHECK(ask(auth, users, "a", "last") == AuthResult::denied);
  const std::lock_guard lock(mutex);
  CHECK(verdicts == std::vector(50, AuthResult::granted));
  CHECK(auth.hashed() == 2);
}
