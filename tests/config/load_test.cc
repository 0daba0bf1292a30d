#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "exporter/config/config.h"
#include "exporter/config/secret_files.h"
#include "tests/support/temporary_folder.h"

using namespace registry_exporter;

namespace {

SecretSource in_file(const std::string& path) { return {Secret(), path}; }

bool no_family(const std::string& /*name*/) { return false; }

}  // namespace

TEST_CASE("secret: a file's content counts, without one newline at its end") {
  struct Row {
    const char* content;
    const char* secret;
  };
  const Row rows[] = {
      {"s3cret", "s3cret"},     {"s3cret\n", "s3cret"},     {"s3cret\r\n", "s3cret"},
      {" s3cret ", " s3cret "}, {"s3cret\n\n", "s3cret\n"},
  };
  const TemporaryFolder folder;
  for (const Row& row : rows) {
    CAPTURE(row.content);
    const auto secret = read_secret(in_file(folder.write("secret", row.content)));
    REQUIRE(secret);
    CHECK(secret->reveal() == row.secret);
  }
}

TEST_CASE("secret: a file that changed is read anew, through links too") {
  const TemporaryFolder folder;
  folder.write("one", "first");
  folder.write("two", "second");
  std::filesystem::create_symlink("one", folder.file("link"));
  CHECK(read_secret(in_file(folder.file("link")))->reveal() == "first");
  std::filesystem::remove(folder.file("link"));
  std::filesystem::create_symlink("two", folder.file("link"));
  CHECK(read_secret(in_file(folder.file("link")))->reveal() == "second");
}

TEST_CASE("secret: files that every user may read are told, each once, and no others") {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& name, mode_t mode) {
    ::chmod(folder.write(name, "s3cret").c_str(), mode);
    return folder.file(name);
  };
  AcrConfig acr;
  acr.credentials.access_key_id = in_file(file("access key: no secret", 0644));
  acr.credentials.access_key_secret = in_file(file("acr secret", 0644));
  acr.credentials.security_token = in_file(file("acr token: the group alone", 0640));
  acr.credentials.oidc.emplace().token_file = file("acr oidc", 0604);
  SwrConfig swr;
  swr.credentials.secret_key = in_file(file("swr secret", 0404));
  swr.credentials.security_token = in_file(folder.file("not there"));
  swr.credentials.iam_user.emplace().password = in_file(file("password", 0666));
  swr.credentials.oidc.emplace().token_file = file("swr oidc: the owner alone", 0600);
  Config config;
  config.registries.resize(2);
  config.registries[0].cloud = acr;
  config.registries[0].tls.key_file = file("key", 0444);
  config.registries[1].cloud = swr;
  config.registries[1].tls.key_file = folder.file("key");
  const std::vector<std::string> told{folder.file("acr secret"), folder.file("acr oidc"),
                                      folder.file("key"), folder.file("swr secret"),
                                      folder.file("password")};
  CHECK(exposed_secret_files(config) == told);
}

TEST_CASE("secret: what can't be one is told with the file's name") {
  const TemporaryFolder folder;
  struct Row {
    std::string path;
    const char* told;
  };
  const Row rows[] = {
      {folder.file("missing"), "No such file or directory"},
      {folder.path(), "not a regular file"},
      {folder.write("empty", ""), "is empty"},
      {folder.write("blank", "\n"), "is empty"},
      {folder.write("huge", std::string(70'000, 'x')), "larger than"},
      {"/dev/zero", "not a regular file"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    const auto secret = read_secret(in_file(row.path));
    REQUIRE_FALSE(secret);
    CHECK(secret.error().kind == ErrorKind::invalid_config);
    CHECK(secret.error().detail.find(row.path) != std::string::npos);
    CHECK(secret.error().detail.find(row.told) != std::string::npos);
  }
}

TEST_CASE("secret: in place it is what was written") {
  CHECK(read_secret({Secret("here"), ""})->reveal() == "here");
}

TEST_CASE("load: a file that can't be read is one problem without a line") {
  const auto config = load_config("/nowhere/registry_exporter.yml", no_family);
  REQUIRE_FALSE(config);
  CHECK(config.error() == std::vector<ConfigProblem>{{0, "No such file or directory"}});
  CHECK(load_config("/", no_family).error().at(0).message == "not a regular file");
}

TEST_CASE("load: variables come from the environment") {
  const TemporaryFolder folder;
  setenv("CONFIG_TEST_INSTANCE", "cri-from-here", 1);
  const auto config =
      load_config(folder.write("c.yml",
                               "registries: [{name: a, type: acr, region: r, instance_id: "
                               "'${CONFIG_TEST_INSTANCE}'}]"),
                  no_family);
  REQUIRE(config);
  CHECK(std::get<AcrConfig>(config->registries[0].cloud).instance_id == "cri-from-here");
}

TEST_CASE("load: the demo's configuration is good and counts from the start") {
  const auto config = load_config(TEST_DATA "/../../config/demo.yml", no_family);
  REQUIRE(config);
  CHECK(config->collection.initial_history == InitialHistory::count);
  REQUIRE(config->registries.size() == 2);
  for (const RegistryConfig& registry : config->registries) {
    CHECK(registry.endpoint == "http://127.0.0.1:10068");
  }
}
