#include "exporter/ingest/history_owners.h"

#include <doctest/doctest.h>

#include <vector>

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

HistoryOwners owners(const std::vector<RepositoryRef>& listed,
                     const std::function<bool(const std::string&)>& accepts,
                     std::size_t most = 100) {
  Discovery discovery;
  for (const RepositoryRef& ref : listed) {
    discovery.repositories.push_back({ref, {}, {}, {}, {}, {}});
  }
  return history_owners(discovery, accepts, most);
}

std::vector<std::string> names(const HistoryOwners& owners) {
  std::vector<std::string> all;
  for (const auto& [name, ref] : owners.by_name) all.push_back(name);
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("history owners: repositories, namespaces and policies that are accepted, each once") {
  const auto all =
      owners({{"apps", "", "7"}, {"apps", "web", ""}, {"", "p", "3"}, {"apps", "web", ""}},
             [](const std::string&) { return true; });
  CHECK(names(all) == Names{"/p", "apps/", "apps/web"});
  CHECK(all.by_name.at("apps/").cloud_id == "7");
  CHECK(all.over_limit == 0);
}

TEST_CASE("history owners: a namespace is told with a repository of it that is accepted") {
  const std::vector<RepositoryRef> listed{
      {"apps", "", "7"}, {"base", "", "8"}, {"apps", "web", ""}, {"base", "x", ""}};
  CHECK(names(owners(listed, [](const std::string& name) { return name == "apps/web"; })) ==
        Names{"apps/", "apps/web"});
  CHECK(names(owners(listed, [](const std::string& name) { return name == "base/"; })) ==
        Names{"base/"});
}

TEST_CASE("history owners: the limit is of repositories, first come, first kept") {
  const auto some = owners(
      {{"b", "", "7"}, {"a", "", "8"}, {"b", "1", ""}, {"a", "2", ""}, {"", "p", ""}},
      [](const std::string&) { return true; }, 1);
  CHECK(names(some) == Names{"/p", "a/", "b/", "b/1"});
  CHECK(some.over_limit == 1);
}
