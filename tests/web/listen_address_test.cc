#include "exporter/web/listen_address.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::web;

TEST_CASE("listen_address: host:port, :port and [v6]:port, and nothing else") {
  struct Row {
    const char* text;
    const char* host;  ///< nullptr: refused.
    int port;
  };
  const Row rows[] = {
      {":10067", "", 10067},
      {"127.0.0.1:0", "127.0.0.1", 0},
      {"[::1]:80", "::1", 80},
      {"[::]:80", "::", 80},
      {"localhost:1", "localhost", 1},
      {":65535", "", 65535},
      {"", nullptr, 0},
      {"10067", nullptr, 0},
      {":", nullptr, 0},
      {":65536", nullptr, 0},
      {":-1", nullptr, 0},
      {":http", nullptr, 0},
      {"::1:80", nullptr, 0},
      {"[::1]", nullptr, 0},
      {"[]:80", nullptr, 0},
      {"[x]:80", nullptr, 0},
      {"a b:80", nullptr, 0},
      {"http://x:80", nullptr, 0},
      {": 80", nullptr, 0},
      {"x:80 ", nullptr, 0},
      {"[::1:80", nullptr, 0},
      {"[::zz]:80", nullptr, 0},
      {"[fe80::1%eth7]:80", "fe80::1%eth7", 80},
      {"exporter-0.exporter.monitoring.svc:80", "exporter-0.exporter.monitoring.svc", 80},
      {"my_host.:80", "my_host.", 80},
      {"999.1.1.1:80", nullptr, 0},
      {"1.2.3.4.5:80", nullptr, 0},
      {"a..b:80", nullptr, 0},
      {".:80", nullptr, 0},
      {"h\xc3\xb6st:80", nullptr, 0},
      {"host!:80", nullptr, 0},
      {"0123456789012345678901234567890123456789012345678901234567890123.x:80", nullptr, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto address = parse_listen_address(row.text);
    CHECK(address.has_value() == (row.host != nullptr));
    if (!address) CHECK(address.error().kind == ErrorKind::invalid_config);
    if (address && row.host != nullptr) {
      CHECK(address->host == row.host);
      CHECK(address->port == row.port);
    }
  }
}
