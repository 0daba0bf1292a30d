// What others write into names, codes and messages, as a person's terminal gets it.
// Source: ECMA-48 (escape sequences, C0 and C1 controls); GNU ls escapes the like in file names.
#include <doctest/doctest.h>

#include <string>

#include "exporter/doctor_report.h"

using namespace registry_exporter;

namespace {

Exam exam_of_acr() {
  Exam exam;
  exam.registry.name = "builds";
  exam.registry.region = "cn-hangzhou";
  exam.registry.cloud = config::AcrConfig{.instance_id = "cri-1", .credentials = {}};
  return exam;
}

std::string remedy_of(ErrorCause cause, const std::string& detail) {
  Exam exam = exam_of_acr();
  exam.failures = {{ErrorKind::invalid_config, detail, {}, {}, cause}};
  return diagnose(exam).text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("doctor: foreign control characters reach no terminal, and forge no line") {
  const std::string foreign =
      std::string("a\0b", 3) + "\x1b[2J\r\n  credentials   ok\x7f\xc2\x9b" + "31m\t\xe4\xb8\xad";
  const std::string shown = R"(a\x00b\x1b[2J\x0d\x0a  credentials   ok\x7f\xc2\x9b31m\x09)"
                            "\xe4\xb8\xad";
  Exam exam = exam_of_acr();
  exam.health.credentials_source = foreign;
  exam.denied_namespaces = {foreign};
  exam.notes = {foreign};
  exam.proxy = foreign;
  exam.failures = {{ErrorKind::not_found, foreign, {}, {}},
                   {ErrorKind::transport, foreign, {}, {}}};
  const std::string text = diagnose(exam).text;
  CAPTURE(text);
  std::size_t times = 0;
  for (std::size_t at = text.find(shown); at != std::string::npos; at = text.find(shown, at + 1)) {
    ++times;
  }
  CHECK(times >= 7);
  CHECK_FALSE(has(text, "\n  credentials   ok\x7f"));
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    CHECK((!control || c == '\n'));
  }
}

TEST_CASE("doctor: the policy to copy stands on a line of its own still") {
  Exam exam = exam_of_acr();
  exam.outcomes = {{"ListRepository", "forbidden"}};
  CHECK(has(diagnose(exam).text, ":\n      {\"Version\""));
}

TEST_CASE(
    "doctor: a program that can't be started, and a file that can't be read, are two things") {
  const std::string program = "credentials: profile of the CLI: process_command: /x/keys: ";
  const std::string denied =
      remedy_of(ErrorCause::program_denied, program + "it can't be started: Permission denied");
  CHECK(has(denied, "chmod +x"));
  CHECK_FALSE(has(denied, "read the file"));
  const std::string absent = remedy_of(ErrorCause::program_missing,
                                       program + "it can't be started: No such file or directory");
  CHECK(has(absent, "install this program, or correct process_command"));
  CHECK_FALSE(has(absent, "write this file"));
  const std::string file =
      remedy_of(ErrorCause::file_denied, "credentials: secret: /x: Permission denied");
  CHECK(has(file, "read the file"));
}

TEST_CASE("doctor: a proxy whose URL can't be read is told how to be written") {
  Exam exam = exam_of_acr();
  exam.proxy = "a URL that can't be read";
  exam.failures = {{ErrorKind::transport,
                    "proxy: a URL that can't be read (HTTP_PROXY): write http://user:password@"
                    "host:port, with user and password percent-encoded (%40 for @)",
                    {},
                    {},
                    ErrorCause::proxy_url}};
  exam.failures.front().proxy = "a URL that can't be read (HTTP_PROXY)";
  const std::string text = diagnose(exam).text;
  CHECK(
      has(text, "to change     the proxy is a URL that can't be read (HTTP_PROXY): write http://"));
  CHECK_FALSE(has(text, "NO_PROXY"));
}
