#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "exporter/config/config.h"
#include "exporter/config/secret_files.h"
#include "tests/support/captured_stderr.h"
#include "tests/support/temporary_folder.h"

using namespace registry_exporter;
using namespace registry_exporter::config;

namespace {

SecretSource in_file(const std::string& path) { return {Secret(), path, false}; }

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

TEST_CASE("secret: the files that hold secrets are known, each once, and no others") {
  AcrConfig acr;
  acr.credentials.access_key_id = in_file("access key: no secret");
  acr.credentials.access_key_secret = in_file("acr secret");
  acr.credentials.security_token = {Secret("from a variable"), "", false};
  acr.credentials.oidc.emplace().token_file = "acr oidc";
  SwrConfig swr;
  swr.credentials.secret_key = {Secret("written out"), "", true};
  swr.credentials.security_token = {Secret("written out"), "", true};
  swr.credentials.iam_user.emplace().password = in_file("password");
  swr.credentials.oidc.emplace().token_file = "swr oidc";
  Config config;
  config.registries.resize(2);
  config.registries[0].cloud = acr;
  config.registries[0].tls.key_file = "key";
  config.registries[1].cloud = swr;
  config.registries[1].tls.key_file = "key";
  const std::vector<std::string> files{"acr secret", "acr oidc", "key",
                                       "config.yml", "password", "swr oidc"};
  CHECK(secret_files(config, "config.yml") == files);
}

TEST_CASE("secret: files that every user may read, or this one can't, are told with a remedy") {
  const TemporaryFolder folder;
  const auto told_of = [&](mode_t mode, gid_t owner) {
    const std::string file = folder.write("secret", "s3cret");
    ::chmod(file.c_str(), mode);
    const bool given = ::chown(file.c_str(), owner, owner) == 0;
    const std::string told = stderr_of([&] { warn_of_secret_files({"", file}); });
    ::unlink(file.c_str());
    return std::pair(told, given);
  };
  for (const mode_t closed : {0640U, 0600U, 0440U}) CHECK(told_of(closed, ::getegid()).first == "");
  for (const mode_t open : {0644U, 0604U, 0444U}) {
    const std::string told = told_of(open, ::getegid()).first;
    CHECK(told.find("every user of this machine may read a secret") != std::string::npos);
    CHECK(told.find("chmod o= " + folder.file("secret")) != std::string::npos);
  }
  const auto [told, given] = told_of(0644, 12345);
  if (given) CHECK(told.find("chgrp root " + folder.file("secret")) != std::string::npos);
  const std::string missing = stderr_of([&] { warn_of_secret_files({folder.file("not there")}); });
  CHECK(missing.find("a secret can't be read") != std::string::npos);
  CHECK(missing.find("No such file or directory") != std::string::npos);
}

TEST_CASE("secret: a file of many profiles is one") {
  const TemporaryFolder folder;
  CHECK(read_secret(in_file(folder.write("large", std::string(1'000'000, 'x')))));
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
      {folder.write("huge", std::string(1'048'577, 'x')), "larger than"},
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
  CHECK(load_config("/", no_family).error().at(0).message == "not a regular file or a pipe");
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
  REQUIRE(config->registries.size() == 3);
  for (const RegistryConfig& registry : config->registries) {
    CHECK(registry.endpoint == "http://127.0.0.1:10068");
  }
}
