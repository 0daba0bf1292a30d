#include "exporter/acr/client.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "exporter/base/time_text.h"
#include "tests/support/fake_runtime.h"

namespace registry_exporter::acr {
namespace {

constexpr const char* kDate = "Fri, 02 Jan 2026 03:04:05 GMT";

std::string header_of(const net::HttpRequest& request, std::string_view name) {
  for (const auto& [header, value] : request.headers) {
    if (header == name) return value;
  }
  return {};
}

net::HttpResponse answer(int status, std::string body) {
  return {.status = status, .headers = {{"date", kDate}}, .body = std::move(body)};
}

net::HttpResponse refused(int status, const std::string& code) {
  return answer(status, R"({"Code":")" + code + R"(","Message":"m"})");
}

/// The cloud as a rule: action and parameters in, answer out.
class RuleTransport final : public net::HttpTransport {
 public:
  using Parameters = std::map<std::string, std::string>;
  using Rule =
      std::function<Result<net::HttpResponse>(const std::string& action, const Parameters&)>;
  Rule rule;
  std::vector<net::HttpRequest> sent;
  bool aborted = false;

  Result<net::HttpResponse> send(const net::HttpRequest& request) override {
    sent.push_back(request);
    Parameters parameters;
    const auto query = parse_query(request.target.substr(request.target.find('?') + 1));
    for (const auto& [key, value] : query.value_or(QueryPairs{})) parameters[key] = value;
    return rule(header_of(request, "x-acs-action"), parameters);
  }
  void abort() override { aborted = true; }

  /// "ListRepository/1 ListNamespace/1 …": what was asked for, with the page.
  std::string log() const {
    std::string text;
    for (const net::HttpRequest& request : sent) {
      const auto page = request.target.find("PageNo=");
      const std::string number =
          page == std::string::npos
              ? ""
              : "/" + request.target.substr(page + 7, request.target.find('&', page) - page - 7);
      text += (text.empty() ? "" : " ") + header_of(request, "x-acs-action") + number;
    }
    return text;
  }
};

class Outcomes final : public CallObserver {
 public:
  std::vector<std::string> seen;
  void call_finished(std::string_view, std::string_view operation, std::string_view outcome,
                     Millis) override {
    seen.push_back(std::string(operation) + " " + std::string(outcome));
  }
};

config::RegistryConfig fast_registry() {
  config::RegistryConfig config;
  config.name = "r";
  config.endpoint = "http://127.0.0.1:81";
  config.cloud = config::AcrConfig{.instance_id = "cri-1", .credentials = {}};
  config.requests_per_second = 1000;
  return config;
}

struct World {
  FakeRuntime fake;
  RuleTransport transport;
  Outcomes outcomes;
  cloud::Keys keys{"id", Secret("secret"), {}, {}, {}, 0};
  config::RegistryConfig config = fast_registry();
  /// `keys`, which a test can exchange.
  cloud::Source source = [this]() -> Result<cloud::CredentialCandidate> {
    cloud::CredentialCandidate candidate;
    candidate.keys = keys;
    return candidate;
  };
  std::unique_ptr<Client> made;

  Client& client() {
    if (!made) {
      made = std::make_unique<Client>(
          fake.runtime(), transport, outcomes, config, config::MetricsConfig{},
          [this](const cloud::KeyServices&) { return std::vector<cloud::Source>{source}; });
    }
    return *made;
  }
};

std::string repository_row(const std::string& repo_namespace, const std::string& name) {
  return R"({"RepoId":"crr-)" + repo_namespace + "-" + name + R"(","RepoName":")" + name +
         R"(","RepoNamespaceName":")" + repo_namespace + R"(","CreateTime":1700000000000})";
}

std::string list_body(const char* list, const std::vector<std::string>& rows,
                      std::optional<std::size_t> total) {
  std::string body = R"({"Code":"success","IsSuccess":true,)";
  if (total) body += R"("TotalCount":")" + std::to_string(*total) + R"(",)";
  body += std::string("\"") + list + R"(":[)";
  for (std::size_t i = 0; i < rows.size(); ++i) body += (i == 0 ? "" : ",") + rows[i];
  return body + "]}";
}

std::vector<std::string> repository_rows(int first, int beyond) {
  std::vector<std::string> rows;
  for (int i = first; i < beyond; ++i) rows.push_back(repository_row("ns", std::to_string(i)));
  return rows;
}

std::set<std::string> names_of(const Discovery& discovery) {
  std::set<std::string> names;
  for (const ListedRepository& each : discovery.repositories) names.insert(full_name(each.ref));
  return names;
}

const RepositoryRef kRepository{"shop", "api", "crr-a"};

TEST_CASE("client: a page comes back read, with the server's time") {
  World world;
  world.transport.rule = [](const std::string& action, const RuleTransport::Parameters& asked) {
    CHECK(action == "ListRepoBuildRecord");
    CHECK(asked.at("InstanceId") == "cri-1");
    CHECK(asked.at("RepoId") == "crr-a");
    CHECK(asked.at("PageNo") == "3");
    CHECK(asked.at("PageSize") == "50");
    return answer(
        200, list_body("BuildRecords", {R"({"BuildRecordId":"x","BuildStatus":"SUCCESS"})"}, 101));
  };
  const auto page = world.client().list_records({&kBuilds, kRepository}, {.index = 2, .size = 50});
  REQUIRE(page.has_value());
  CHECK(page->records.size() == 1);
  CHECK(page->total == 101U);
  CHECK(page->server_time == parse_http_date(kDate));
  CHECK(world.outcomes.seen == std::vector<std::string>{"ListRepoBuildRecord ok"});
  const CloudHealth health = world.client().health();
  CHECK(health.up);
  CHECK(health.requests_per_second == 1000);
  CHECK(health.clock_offset.has_value());
  CHECK_FALSE(health.credentials_expire_at.has_value());
}

TEST_CASE("client: each attempt is signed anew, with a nonce and a date of its own") {
  World world;
  int attempts = 0;
  world.transport.rule = [&](const std::string&, const RuleTransport::Parameters&) {
    world.fake.advance(Millis(5'000));
    return ++attempts < 3 ? answer(503, "<html>later</html>")
                          : answer(200, list_body("BuildRecords", {}, 0));
  };
  REQUIRE(world.client().list_records({&kBuilds, kRepository}, {}).has_value());
  REQUIRE(world.transport.sent.size() == 3);
  std::set<std::string> nonces, dates, signatures;
  for (const net::HttpRequest& request : world.transport.sent) {
    nonces.insert(header_of(request, "x-acs-signature-nonce"));
    dates.insert(header_of(request, "x-acs-date"));
    signatures.insert(header_of(request, "authorization"));
    CHECK(header_of(request, "x-acs-signature-nonce").size() == 32);
    CHECK(header_of(request, "host") == "127.0.0.1:81");
    CHECK(request.method == "POST");
    CHECK(request.body.empty());
  }
  CHECK(nonces.size() == 3);
  CHECK(dates.size() == 3);
  CHECK(signatures.size() == 3);
  CHECK(world.outcomes.seen == std::vector<std::string>{"ListRepoBuildRecord server_error",
                                                        "ListRepoBuildRecord server_error",
                                                        "ListRepoBuildRecord ok"});
}

TEST_CASE("client: a used nonce or a wrong time costs one more attempt, not more") {
  for (const char* code : {"SignatureNonceUsed", "InvalidTimeStamp.Expired"}) {
    CAPTURE(code);
    World world;
    world.transport.rule = [&](const std::string&, const RuleTransport::Parameters&) {
      return refused(400, code);
    };
    CHECK_FALSE(world.client().list_records({&kBuilds, kRepository}, {}).has_value());
    REQUIRE(world.transport.sent.size() == 2);
    CHECK(header_of(world.transport.sent[0], "x-acs-signature-nonce") !=
          header_of(world.transport.sent[1], "x-acs-signature-nonce"));
  }
}

TEST_CASE("client: an answer that can't be read is a failed call and shows as malformed") {
  const char* bodies[] = {
      "<html>log in</html>",
      R"({"Code":"success","IsSuccess":true,"TotalCount":3})",
      R"({"IsSuccess":true,"IsSuccess":true,"BuildRecords":[]})",
      R"({"IsSuccess":true,"BuildRecords":[{"BuildRecordId":"x","Image":{"RepoId":"crr-z"}}]})",
  };
  for (const char* body : bodies) {
    CAPTURE(body);
    World world;
    world.transport.rule = [&](const std::string&, const RuleTransport::Parameters&) {
      return answer(200, body);
    };
    const auto page = world.client().list_records({&kBuilds, kRepository}, {});
    REQUIRE_FALSE(page.has_value());
    CHECK(page.error().kind == ErrorKind::malformed);
    CHECK(page.error().detail.starts_with("ListRepoBuildRecord: "));
    REQUIRE_FALSE(world.outcomes.seen.empty());
    for (const std::string& seen : world.outcomes.seen) {
      CHECK(seen == "ListRepoBuildRecord malformed");
    }
  }
}

TEST_CASE("client: refused keys stop the calls, changed ones are tried at once") {
  World world;
  world.transport.rule = [&](const std::string&, const RuleTransport::Parameters&) {
    return world.keys.secret_key.reveal() == "right" ? answer(200, list_body("BuildRecords", {}, 0))
                                                     : refused(400, "SignatureDoesNotMatch");
  };
  CHECK(world.client().list_records({&kBuilds, kRepository}, {}).error().kind ==
        ErrorKind::unauthorized);
  CHECK(world.client().list_records({&kBuilds, kRepository}, {}).error().kind ==
        ErrorKind::unauthorized);
  CHECK(world.transport.sent.size() == 1);
  CHECK_FALSE(world.client().health().up);

  world.keys.secret_key = Secret("right");
  CHECK(world.client().list_records({&kBuilds, kRepository}, {}).has_value());
  CHECK(world.transport.sent.size() == 2);
  CHECK(world.client().health().up);
}

TEST_CASE("client: keys that change between two attempts are used for the second") {
  World world;
  world.transport.rule = [&](const std::string&, const RuleTransport::Parameters&) {
    if (world.transport.sent.size() > 1) return answer(200, list_body("BuildRecords", {}, 0));
    world.keys.access_key = "other";
    return answer(503, "<html>later</html>");
  };
  REQUIRE(world.client().list_records({&kBuilds, kRepository}, {}).has_value());
  const std::string used = header_of(world.transport.sent.at(1), "authorization");
  CHECK(used.find("Credential=other,") != std::string::npos);
}

TEST_CASE("client: expired temporary keys are renewed once, and the question asked again") {
  struct Row {
    const char* code;
    bool renewable;
    int answers_refused;
    std::size_t calls;
    bool is_good;
  };
  const Row rows[] = {{"InvalidSecurityToken.Expired", true, 1, 2, true},
                      {"InvalidSecurityToken.Expired", true, 9, 2, false},
                      {"InvalidSecurityToken.Expired", false, 9, 1, false},
                      {"InvalidAccessKeyId.NotFound", true, 1, 2, true},
                      {"InvalidAccessKeyId.NotFound", false, 9, 1, false},
                      {"SignatureDoesNotMatch", true, 9, 1, false}};
  for (const Row& row : rows) {
    CAPTURE(row.code);
    World world;
    int lent = 0;
    if (row.renewable) {
      world.source = [&]() -> Result<cloud::CredentialCandidate> {
        cloud::CredentialCandidate candidate;
        candidate.source = "lender";
        candidate.exchange = [&](bool) -> Result<cloud::IssuedKeys> {
          cloud::IssuedKeys issued;
          issued.keys.access_key = "STS." + std::to_string(++lent);
          return issued;
        };
        return candidate;
      };
    }
    int answers = 0;
    world.transport.rule = [&](const std::string&, const RuleTransport::Parameters&) {
      return answers++ < row.answers_refused ? refused(400, row.code)
                                             : answer(200, list_body("BuildRecords", {}, 0));
    };
    CHECK(world.client().list_records({&kBuilds, kRepository}, {}).has_value() == row.is_good);
    CHECK(world.transport.sent.size() == row.calls);
    CHECK(world.client().health().up == row.is_good);
    // Keys that stay refused cost no more calls.
    if (!row.is_good) world.client().list_records({&kBuilds, kRepository}, {});
    CHECK(world.transport.sent.size() == row.calls);
    if (!row.renewable) continue;
    CHECK(world.client().health().credentials_expire_at.has_value());
    const std::string used = header_of(world.transport.sent.back(), "authorization");
    CHECK(used.find("STS." + std::to_string(row.calls)) != std::string::npos);
  }
}

TEST_CASE("client: one build is read by its id") {
  World world;
  world.transport.rule = [](const std::string& action, const RuleTransport::Parameters& asked) {
    CHECK(action == "GetRepoBuildRecord");
    if (asked.at("BuildRecordId") != "x") return refused(200, "BUILD_RECORD_NOT_EXIST");
    return answer(200, R"({"IsSuccess":true,"BuildRecordId":"x","Status":"FAILED"})");
  };
  const auto record = world.client().read_record({&kBuilds, kRepository}, "x");
  REQUIRE(record.has_value());
  CHECK(record->outcome == Outcome::failed);
  CHECK(world.client().read_record({&kBuilds, kRepository}, "y").error().kind ==
        ErrorKind::not_found);
}

TEST_CASE("discover: a listing ends where it ends, whatever totals and pages say") {
  using Pages = std::vector<std::pair<std::vector<std::string>, std::optional<std::size_t>>>;
  struct Row {
    const char* name;
    Pages pages;  ///< The last one for ever.
    std::size_t found;
    bool complete;
    std::size_t calls;
  };
  const auto rows = repository_rows;
  const Row table[] = {
      {"none", {{{}, 0}}, 0, true, 1},
      {"none, and no total", {{{}, {}}}, 0, true, 2},
      {"one short page", {{rows(0, 3), 3}, {{}, 3}}, 3, true, 2},
      {"a server that ignores the page's number", {{rows(0, 3), 3}}, 3, true, 2},
      {"the same without a total", {{rows(0, 3), {}}}, 3, false, 3},
      {"no total", {{rows(0, 3), {}}, {{}, {}}}, 3, true, 2},
      {"a full page and all of it", {{rows(0, 100), 100}, {{}, 100}}, 100, true, 2},
      {"two pages", {{rows(0, 100), 150}, {rows(100, 150), 150}}, 150, true, 2},
      {"no total, full page", {{rows(0, 100), {}}, {{}, {}}}, 100, true, 2},
      {"the total is too low", {{rows(0, 100), 5}, {rows(100, 101), 5}}, 101, true, 2},
      {"the total is too high", {{rows(0, 3), 9}, {{}, 9}}, 3, true, 4},
      {"drift repeats a row", {{rows(0, 100), 120}, {rows(99, 120), 120}}, 120, true, 2},
      {"the server's pages are smaller",
       {{rows(0, 50), 120}, {rows(50, 100), 120}, {rows(100, 120), 120}},
       120,
       true,
       3},
      {"an empty page in the middle",
       {{rows(0, 100), 120}, {{}, 120}, {rows(100, 120), 120}},
       120,
       true,
       4},
      {"the same page for ever", {{rows(0, 100), 500}}, 100, false, 3},
  };
  for (const Row& row : table) {
    CAPTURE(std::string(row.name));
    World world;
    world.transport.rule = [&](const std::string& action, const RuleTransport::Parameters& asked) {
      CHECK(action == "ListRepository");
      CHECK(asked.at("RepoStatus") == "NORMAL");
      const auto number = static_cast<std::size_t>(std::stoi(asked.at("PageNo")));
      const auto& [listed, total] = row.pages[std::min(number, row.pages.size()) - 1];
      return answer(200, list_body("Repositories", listed, total));
    };
    const auto discovery = world.client().discover();
    REQUIRE(discovery.has_value());
    CHECK(discovery->repositories.size() == row.found);
    CHECK(names_of(*discovery).size() == row.found);
    CHECK(discovery->complete == row.complete);
    CHECK(discovery->server_time == parse_http_date(kDate));
    CHECK(world.transport.sent.size() == row.calls);
  }
}

TEST_CASE("discover: a listing that breaks off is incomplete, one that never began is an error") {
  World world;
  int fails_from = 2;
  world.transport.rule = [&](const std::string&, const RuleTransport::Parameters& asked) {
    if (std::stoi(asked.at("PageNo")) >= fails_from) return answer(200, "{}");
    return answer(200, list_body("Repositories", repository_rows(0, 100), 150));
  };
  const auto discovery = world.client().discover();
  REQUIRE(discovery.has_value());
  CHECK(discovery->repositories.size() == 100);
  CHECK_FALSE(discovery->complete);
  fails_from = 1;
  CHECK(world.client().discover().error().kind == ErrorKind::malformed);
}

/// Rights by namespace: what each one answers.
RuleTransport::Rule by_namespace(std::map<std::string, net::HttpResponse> answers) {
  return [answers = std::move(answers)](const std::string& action,
                                        const RuleTransport::Parameters& asked) {
    if (action == "ListNamespace") {
      std::vector<std::string> rows;
      for (const auto& [name, unused] : answers) {
        rows.push_back(R"({"NamespaceName":")" + name + "\"}");
      }
      return answer(200, list_body("Namespaces", rows, rows.size()));
    }
    const auto repo_namespace = asked.find("RepoNamespaceName");
    if (repo_namespace == asked.end()) return refused(403, "NoPrivilege");
    return answers.at(repo_namespace->second);
  };
}

net::HttpResponse one_repository(const std::string& repo_namespace) {
  return answer(200, list_body("Repositories", {repository_row(repo_namespace, "api")}, 1));
}

TEST_CASE("discover: where the instance may not be listed, each namespace is, from then on") {
  World world;
  world.transport.rule = by_namespace({{"a", one_repository("a")}, {"b", one_repository("b")}});
  const auto discovery = world.client().discover();
  REQUIRE(discovery.has_value());
  CHECK(names_of(*discovery) == std::set<std::string>{"a/api", "b/api"});
  CHECK(discovery->complete);
  CHECK(world.transport.log() ==
        "ListRepository/1 ListNamespace/1 ListNamespace/2 ListRepository/1 ListRepository/2 "
        "ListRepository/1 ListRepository/2");
  world.transport.sent.clear();
  CHECK(world.client().discover().has_value());
  CHECK(world.transport.log() ==
        "ListNamespace/1 ListNamespace/2 ListRepository/1 ListRepository/2 ListRepository/1 "
        "ListRepository/2");
}

TEST_CASE("discover: what one namespace answers harms no other") {
  struct Row {
    const char* name;
    net::HttpResponse other;
    bool complete;
  };
  const Row rows[] = {
      {"forbidden", refused(403, "NoPrivilege"), true},  // What is known of it stays.
      {"broken", answer(200, "{}"), true},               // The same, and it is told.
      {"gone meanwhile", refused(200, "NAMESPACE_NOT_EXIST"), true},
      {"empty", answer(200, list_body("Repositories", {}, 0)), true},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.name));
    World world;
    world.transport.rule = by_namespace({{"a", row.other}, {"b", one_repository("b")}});
    const auto discovery = world.client().discover();
    REQUIRE(discovery.has_value());
    CHECK(names_of(*discovery) == std::set<std::string>{"b/api"});
    CHECK(discovery->complete == row.complete);
    const bool broken = std::string(row.name) == "broken";
    CHECK(discovery->failed_namespaces.size() == (broken ? 1U : 0U));
  }
}

TEST_CASE("discover: when every namespace is forbidden, discovery is, too") {
  World world;
  world.transport.rule = by_namespace({{"a", refused(403, "NoPrivilege")}});
  CHECK(world.client().discover().error().kind == ErrorKind::forbidden);
}

TEST_CASE("discover: static repositories are not listed, and looked up once where needed") {
  World world;
  world.config.static_repositories = std::vector<config::StaticRepository>{
      {"shop", "api", "crr-1"}, {"shop", "web", ""}, {"shop", "typo", ""}};
  std::string web_id = "crr-2";
  world.transport.rule = [&](const std::string& action, const RuleTransport::Parameters& asked) {
    if (action == "ListRepoBuildRecord") return refused(200, "REPO_NOT_EXIST");
    CHECK(action == "GetRepository");
    CHECK(asked.at("RepoNamespaceName") == "shop");
    if (asked.at("RepoName") != "web") return refused(200, "REPO_NOT_EXIST");
    return answer(200,
                  R"({"IsSuccess":true,"RepoName":"web","CreateTime":1700000000000,"RepoId":")" +
                      web_id + "\"}");
  };
  const auto discovery = world.client().discover();
  REQUIRE(discovery.has_value());
  REQUIRE(discovery->repositories.size() == 3);
  CHECK(discovery->repositories[0].ref == RepositoryRef{"shop", "api", "crr-1"});
  CHECK(discovery->repositories[2].ref == RepositoryRef{"shop", "typo", ""});
  CHECK(discovery->repositories[1].ref == RepositoryRef{"shop", "web", "crr-2"});
  CHECK(discovery->repositories[1].created_at == UnixMillis(Millis(1'700'000'000'000)));
  CHECK(discovery->complete);
  CHECK(discovery->server_time == parse_http_date(kDate));
  CHECK(world.transport.log() == "GetRepository GetRepository");

  world.transport.sent.clear();
  CHECK(world.client().list_records({&kBuilds, {"shop", "typo", ""}}, {}).error().kind ==
        ErrorKind::not_found);
  CHECK(world.transport.sent.empty());
  REQUIRE(world.client().discover().has_value());
  CHECK(world.transport.sent.size() == 1);  // The one that was not found.

  // A repository made anew has another id: the old one is forgotten once it leads nowhere.
  web_id = "crr-3";
  CHECK_FALSE(world.client().list_records({&kBuilds, {"shop", "web", "crr-2"}}, {}).has_value());
  CHECK(world.client().discover()->repositories[1].ref.cloud_id == "crr-3");
}

TEST_CASE("discover: static repositories that may not be looked up are there, and fail") {
  World world;
  world.config.static_repositories =
      std::vector<config::StaticRepository>{{"shop", "api", "crr-1"}, {"shop", "web", ""}};
  world.transport.rule = [](const std::string&, const RuleTransport::Parameters&) {
    return refused(403, "NoPrivilege");
  };
  const auto discovery = world.client().discover();
  REQUIRE(discovery.has_value());
  CHECK(names_of(*discovery) == std::set<std::string>{"shop/api", "shop/web"});
  CHECK(discovery->complete);
  const ListRef web{&kBuilds, {"shop", "web", ""}};
  CHECK(world.client().list_records(web, {}).error().kind == ErrorKind::forbidden);
}

TEST_CASE("discover: a look-up that may succeed later leaves the discovery incomplete") {
  for (const bool alone : {false, true}) {
    CAPTURE(alone);
    World world;
    world.config.static_repositories = std::vector<config::StaticRepository>{{"shop", "web", ""}};
    if (!alone) world.config.static_repositories->push_back({"shop", "api", "crr-1"});
    world.transport.rule = [](const std::string&, const RuleTransport::Parameters&) {
      return answer(500, "");
    };
    const auto discovery = world.client().discover();
    CHECK(discovery.has_value() != alone);
    if (alone) continue;
    CHECK(names_of(*discovery) == std::set<std::string>{"shop/api"});
    CHECK_FALSE(discovery->complete);
    REQUIRE(discovery->part_failed);
    CHECK(discovery->part_failed->detail.starts_with("shop/web: "));
    // What an earlier process knew of it waits for its id.
    const ListRef web{&kBuilds, {"shop", "web", ""}};
    CHECK(world.client().list_records(web, {}).error().kind == ErrorKind::server_error);
    world.transport.rule = [](const std::string& action, const RuleTransport::Parameters&) {
      CHECK(action == "GetRepository");
      return answer(200, R"({"IsSuccess":true,"RepoName":"web","RepoId":"crr-2"})");
    };
    CHECK(world.client().list_records(web, {}).error().kind == ErrorKind::server_error);
    CHECK(names_of(*world.client().discover()).contains("shop/web"));
  }
}

TEST_CASE("client: after abort nothing is asked any more") {
  World world;
  world.transport.rule = [](const std::string&, const RuleTransport::Parameters&) {
    return answer(200, list_body("BuildRecords", {}, 0));
  };
  world.client().abort();
  CHECK(world.transport.aborted);
  CHECK(world.client().list_records({&kBuilds, kRepository}, {}).error().kind ==
        ErrorKind::canceled);
  CHECK(world.client().discover().error().kind == ErrorKind::canceled);
  CHECK(world.transport.sent.empty());
}

}  // namespace
}  // namespace registry_exporter::acr
