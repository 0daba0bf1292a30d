#include "exporter/cloud/credential_candidates.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/fake_host.h"

using namespace registry_exporter;
using namespace registry_exporter::cloud;

TEST_CASE("find_file: what is there but can't be used was set up, what isn't there was not") {
  struct Row {
    const char* named;
    const char* problem;
    const char* told;
    bool set_up;
  };
  const Row rows[] = {
      {"", "", "/home/me/keys: no file", false},
      {"", "Permission denied",
       "/home/me/keys: Permission denied; let this process read that file, or move it away", true},
      {"", "not a regular file",
       "/home/me/keys: not a regular file; let this process read that file, or move it away", true},
      {"/keys", "", "VARIABLE: /keys: no file", true},
      {"/keys", "Permission denied", "VARIABLE: /keys: Permission denied", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.told);
    FakeHost world;
    world.variables = {{"HOME", "/home/me"}, {"VARIABLE", row.named}};
    if (*row.problem != '\0') {
      world.problems = {{"/home/me/keys", row.problem}, {"/keys", row.problem}};
    }
    const auto file = find_file(world.host(), "VARIABLE", "keys");
    REQUIRE_FALSE(file);
    CHECK(file.error().detail == row.told);
    CHECK((file.error().cause == ErrorCause::not_set_up) != row.set_up);
  }
}
