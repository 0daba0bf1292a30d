#include "exporter/net/proxy.h"

#include <doctest/doctest.h>

#include <map>

using namespace registry_exporter;
using namespace registry_exporter::net;

namespace {

Proxy choose(const char* origin, std::map<std::string, std::string> environment,
             std::string proxy_url = {}) {
  ProxySettings settings;
  settings.proxy_url = std::move(proxy_url);
  settings.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  return proxy_for(origin, settings);
}

}  // namespace

TEST_CASE("proxy_for: the configuration wins, else the environment's proxy of the scheme") {
  struct Row {
    std::string name;
    const char* origin;
    std::map<std::string, std::string> environment;
    const char* proxy_url;
    const char* proxy;
  };
  const Row rows[] = {
      {"none", "https://a.test", {}, "", ""},
      {"upper case", "https://a.test", {{"HTTPS_PROXY", "http://p:1"}}, "", "http://p:1"},
      {"lower case", "https://a.test", {{"https_proxy", "http://p:1"}}, "", "http://p:1"},
      {"empty upper case", "http://a.test", {{"HTTP_PROXY", ""}, {"http_proxy", "p"}}, "", "p"},
      {"plain HTTP has its own", "http://a.test", {{"HTTPS_PROXY", "http://p:1"}}, "", ""},
      {"and TLS too", "https://a.test", {{"HTTP_PROXY", "http://p:1"}}, "", ""},
      {"the configuration wins", "https://a.test", {{"HTTPS_PROXY", "e"}}, "http://c", "http://c"},
      {"exempt", "https://a.test", {{"HTTPS_PROXY", "e"}, {"NO_PROXY", "a.test"}}, "", ""},
      {"exempt, lower case", "https://a.test", {{"HTTPS_PROXY", "e"}, {"no_proxy", "*"}}, "", ""},
      {"an exemption is the environment's own",
       "https://a.test",
       {{"NO_PROXY", "*"}},
       "http://c",
       "http://c"},
      {"an exempt port that is implied",
       "https://a.test",
       {{"HTTPS_PROXY", "e"}, {"NO_PROXY", "a.test:443"}},
       "",
       ""},
      {"an exempt IPv6 address",
       "http://[2001:db8::1]:8080",
       {{"HTTP_PROXY", "e"}, {"NO_PROXY", "2001:db8::1"}},
       "",
       ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(choose(row.origin, row.environment, row.proxy_url).url == row.proxy);
  }
  CHECK(proxy_for("https://a.test", {}).url == "");  // No environment at all.
}

TEST_CASE("proxy_for: it says who set the proxy, and nothing that is secret in it") {
  struct Row {
    std::map<std::string, std::string> environment;
    const char* proxy_url;
    const char* spoken;
  };
  const Row rows[] = {
      {{{"HTTPS_PROXY", "http://p.test:1"}}, "", "p.test:1 (HTTPS_PROXY)"},
      {{{"https_proxy", "p.test"}}, "", "p.test (https_proxy)"},
      {{{"HTTPS_PROXY", "http://me:s%40ecret@p.test:1/"}}, "", "p.test:1 (HTTPS_PROXY)"},
      {{{"HTTPS_PROXY", "s3cret:1"}, {"NO_PROXY", "b.test"}}, "", "s3cret:1 (HTTPS_PROXY)"},
      {{{"HTTPS_PROXY", "http://me:s3cret"}}, "", "a URL that can't be read (HTTPS_PROXY)"},
      {{}, "https://me:s3cret@[2001:db8::1]:3128", "[2001:db8::1]:3128 (proxy_url)"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.spoken);
    CHECK(choose("https://a.test", row.environment, row.proxy_url).spoken() == row.spoken);
  }
}

TEST_CASE("no_proxy_covers: hosts, whole suffixes, ports and networks, and nothing like them") {
  struct Row {
    std::string list;
    std::string host;
    bool covered;
  };
  const Row rows[] = {
      {"", "example.com", false},
      {"*", "example.com", true},
      {"example.com", "example.com", true},
      {"EXAMPLE.com", "Example.COM", true},
      {"example.com", "cr.example.com", true},
      {"example.com", "badexample.com", false},
      {".example.com", "cr.example.com", true},
      {".example.com", "example.com", false},
      {"*.example.com", "cr.example.com", true},
      {"*.example.com", "example.com", false},
      {"example.com", "example.com.evil.test", false},
      {"a.test, b.test", "b.test", true},
      {"a.test b.test", "b.test", true},
      {" ,, a.test ,", "a.test", true},
      {".", "a.test", false},
      {"a.test:443", "a.test", true},
      {"a.test:80", "a.test", false},
      {"10.1.2.3", "10.1.2.3", true},
      {"2.3", "10.1.2.3", false},
      {"10.0.0.0/8", "10.255.0.1", true},
      {"10.0.0.0/8", "11.0.0.1", false},
      {"10.0.0.0/9", "10.128.0.1", false},
      {"0.0.0.0/0", "8.8.8.8", true},
      {"10.0.0.0/33", "10.0.0.0", false},
      {"10.0.0.0/x", "10.0.0.0", false},
      {"10.0.0.0/", "10.0.0.0", false},
      {"10.0.0.0/8", "ten.test", false},
      {"fd00::/8", "fd12::1", true},
      {"fd00::/8", "fe80::1", false},
      {"fd00::/8", "10.0.0.1", false},
      {"::1", "0:0:0:0:0:0:0:1", true},
      {"[::1]:443", "::1", true},
      {"[::1]:80", "::1", false},
      {"[::1]", "::1", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.list);
    CAPTURE(row.host);
    CHECK(no_proxy_covers(row.list, row.host, "443") == row.covered);
  }
}
