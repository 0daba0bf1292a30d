#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

/// Owners of libcurl's objects. For net/curl_*.cc only.
namespace registry_exporter::net {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct CurlMultiDeleter {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
using CurlList = std::unique_ptr<curl_slist, CurlDeleter>;

inline void append(CurlList& list, const std::string& line) {
  list.reset(curl_slist_append(list.release(), line.c_str()));
}

template <class Value>
void set_option(CURL* handle, CURLoption option, Value value) {
  curl_easy_setopt(handle, option, value);
}

}  // namespace registry_exporter::net
