#include "exporter/swr/requests.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

using namespace registry_exporter;

TEST_CASE("requests: no two names share a path, and none leaves its place") {
  const swr::Target target{"http://h", config::SwrConfig::Paging::offset};
  const RepositoryRef refs[] = {{"t", "a/b", ""},     {"t", "a$b", ""}, {"t", "a%24b", ""},
                                {"t", "a%2Fb", ""},   {"t", "..", ""},  {"t", "../..", ""},
                                {"..", "..", ""},     {".", "a", ""},   {"t/repos", "a", ""},
                                {"t", "a?limit", ""}, {"t", "a#b", ""}, {"t", "a b", ""},
                                {"t", "\xC3\xA9", ""}};
  std::set<std::string> targets;
  for (const RepositoryRef& ref : refs) {
    CAPTURE(full_name(ref));
    const std::string path = swr::list_retentions(target, ref).target;
    CHECK(targets.insert(path).second);
    CHECK(std::count(path.begin(), path.end(), '/') == 7);
    CHECK(path.find("/../") == std::string::npos);
    CHECK(path.find("/../") == std::string::npos);
    CHECK(path.find_first_of("?# ") == std::string::npos);
  }
}

TEST_CASE("requests: limit and offset always go together, once") {
  for (const auto paging : {config::SwrConfig::Paging::offset, config::SwrConfig::Paging::filter}) {
    const swr::Target target{"http://h", paging};
    const std::string path =
        swr::list_retention_histories(target, {"t", "r", ""}, {.index = 3'000'000, .size = 1000})
            .target;
    CHECK(path.find("3000000000") != std::string::npos);
    CHECK(path.find("limit") == path.rfind("limit"));
    CHECK(path.find("offset") == path.rfind("offset"));
    CHECK((path.find("filter=") != std::string::npos) ==
          (paging == config::SwrConfig::Paging::filter));
  }
}

TEST_CASE("requests: synchronisation jobs are asked for by filter alone, newest first") {
  for (const auto paging : {config::SwrConfig::Paging::offset, config::SwrConfig::Paging::filter}) {
    const swr::Target target{"http://h", paging};
    const auto request =
        swr::list_sync_jobs(target, {"team-a", "web/api", ""}, {.index = 3, .size = 50});
    CHECK(request.target ==
          "/v2/manage/namespaces/team-a/repos/web$api/sync_job"
          "?filter=limit%3A%3A50%7Coffset%3A%3A150%7Corder%3A%3Adesc");
  }
}
