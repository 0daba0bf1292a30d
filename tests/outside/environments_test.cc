// Proxies of the environment, by the rules of Go's clients: golang/net http/httpproxy @29181b8c
// (proxy_test.go, UseProxyTests and proxyForURLTests) and @094d4385 (proxy.go, useProxy).
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "exporter/net/proxy.h"

using namespace registry_exporter;

namespace {

constexpr const char* kNoProxy =
    "foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, "
    "10.0.0.0/30, 2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, "
    "2002:db8:a::45/64";

bool uses_proxy(const std::string& host, const std::string& no_proxy) {
  const std::map<std::string, std::string> variables{{"HTTP_PROXY", "http://proxy"},
                                                     {"NO_PROXY", no_proxy}};
  net::ProxySettings settings;
  settings.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return !net::proxy_for("http://" + host, settings).url.empty();
}

}  // namespace

TEST_CASE("proxies of the environment: as Go's clients choose them") {
  struct Row {
    const char* host;
    bool through;
  };
  const Row rows[] = {
      {"localhost", false},
      {"127.0.0.1", false},
      {"127.0.0.2", false},
      {"[::1]", false},
      {"[::2]", true},
      {"192.168.1.1", false},
      {"192.168.1.2", true},
      {"192.168.1.3", false},
      {"192.168.1.4", true},
      {"10.0.0.2", false},
      {"10.0.0.4", true},
      {"[2001:db8::52:0:1]", false},
      {"[2001:db8::52:0:2]", true},
      {"[2001:db8::52:0:3]", false},
      {"[2002:db8:a::123]", false},
      {"[fe80::424b:c8be:1643:a1b6]", true},
      {"barbaz.net", true},
      {"www.barbaz.net", false},
      {"foobar.com", false},
      {"www.foobar.com", false},
      {"foofoobar.com", true},
      {"baz.com", true},
      {"localhost.net", true},
      {"barbarbaz.net", true},
      {"wildcard.io", true},
      {"nested.wildcard.io", false},
      {"awildcard.io", true},
      // Addresses in IPv6 are what they hold (net.IP.Equal, net.IPNet.Contains).
      {"[::ffff:192.168.1.1]", false},
      {"[::ffff:10.0.0.1]", false},
      {"[::ffff:10.0.0.5]", true},
      {"[::ffff:127.0.0.1]", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.host);
    CHECK(uses_proxy(row.host, kNoProxy) == row.through);
    CHECK_FALSE(uses_proxy(row.host, "*"));
  }
  CHECK(uses_proxy("example.com", ":1"));
}

TEST_CASE("proxies of the environment: this machine by its other names") {
  // Beyond Go: names below localhost are loopback (RFC 6761, 6.3), and libcurl reads the spellings
  // of inet_aton(3) as addresses (curl lib/urlapi.c, ipv4_normalize).
  for (const char* host :
       {"LocalHost", "localhost.", "local.localhost", "a.b.localhost.", "localhost:8080",
        "127.255.255.254", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "127.0.0.1:10068",
        "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[::ffff:7f00:1]", "[::1%lo]"}) {
    CAPTURE(host);
    CHECK_FALSE(uses_proxy(host, ""));
  }
  for (const char* host : {"128.0.0.1", "1.127.0.0", "mylocalhost", "localhost.example.com",
                           "127.0.0.1.example.com", "0.0.0.0", "[::]", "[::ffff:128.0.0.1]",
                           "2147483649", "xlocalhost.", "cr.cn-hangzhou.aliyuncs.com"}) {
    CAPTURE(host);
    CHECK(uses_proxy(host, ""));
  }
}
