#include "exporter/base/proxy_url.h"

#include <doctest/doctest.h>

using namespace registry_exporter;

// curl 7.88.1 ends a name and password at the first @, and quotes what it can't read whole.
TEST_CASE("proxy_host: what is not surely a host and port is never told") {
  for (const char* readable :
       {"p.test", "P-1_2.test:3128", "http://p.test:1", "HTTPS://p.test", "socks5h://p.test:65535",
        "http://me@p.test:1", "http://me:s3cret@p.test", "me:s3:cret%40@p.test:1",
        "http://[2001:db8::1]:1/", "[::1]", "http://[fe80::1%25eth0]:1"}) {
    CAPTURE(readable);
    CHECK(is_readable_proxy(readable));
    CHECK(proxy_host(readable).find("s3") == std::string::npos);
    CHECK(proxy_host(readable).find("URL") == std::string::npos);
  }
  for (const char* unreadable : {"",
                                 "http://",
                                 "http://:1",
                                 "http://me:s3cret",
                                 "me:s3cret",
                                 "http://me:s3cret%40p.test:1",
                                 "http://me:s@3cret@p.test:1",
                                 "http://me:s/3cret@p.test:1",
                                 "http://me:s3cret@",
                                 "http://me:s3cret@:1",
                                 "http://me:1/3cret@p.test",
                                 "http://me:1?s3cret",
                                 "http://p.test:0",
                                 "http://p.test:65536",
                                 "http://p.test:99999999999999999999",
                                 "http://p.test:",
                                 "http://p.test:+1",
                                 "http://p.test: 1",
                                 " http://p.test:1",
                                 "http://p.test:1\n",
                                 "http://p test:1",
                                 "http://me:s3 cret@p.test:1",
                                 "nonsense://me:s3cret@p.test:1",
                                 "http:/me:s3cret@p.test",
                                 "http://http://p.test:1",
                                 "http://[::1",
                                 "http://[::1]1",
                                 "http://[s3cret]:1",
                                 "http://::1:1",
                                 "http://p.test:1//",
                                 "http://p.test:1/x",
                                 "me:s3cret\\@p.test:1"}) {
    CAPTURE(unreadable);
    CHECK_FALSE(is_readable_proxy(unreadable));
    const bool is_there = *unreadable != '\0';
    CHECK(proxy_host(unreadable) == (is_there ? "a URL that can't be read" : ""));
  }
}
