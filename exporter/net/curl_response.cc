#include "exporter/net/curl_response.h"

#include <utility>

#include "exporter/base/text.h"
#include "exporter/net/curl_handle.h"

namespace registry_exporter::net {
namespace {

constexpr std::string_view kBlanks = " \r\n";

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

void CurlResponse::receive_from(CURL* handle) {
  set_option(handle, CURLOPT_HEADERFUNCTION, on_header);
  set_option(handle, CURLOPT_HEADERDATA, this);
  set_option(handle, CURLOPT_WRITEFUNCTION, on_body);
  set_option(handle, CURLOPT_WRITEDATA, this);
}

std::size_t CurlResponse::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  const std::string_view line(data, size * count);
  return static_cast<CurlResponse*>(self)->take_header(line) ? line.size() : 0;
}

std::size_t CurlResponse::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& receiving = *static_cast<CurlResponse*>(self);
  std::string& body = receiving.response_.body;
  if (body.size() + size * count > receiving.body_bytes_max_) {
    receiving.refused_ = "limit: answer with too long a body";
    return 0;
  }
  body.append(data, size * count);
  return size * count;
}

/// False: the transfer has to end.
bool CurlResponse::take_header(std::string_view line) {
  head_bytes_ += line.size();
  if (head_bytes_ > head_bytes_max_) {
    refused_ = "limit: answer with too long a head";
    return false;
  }
  if (line.starts_with("HTTP/")) {
    response_.headers.clear();  // An interim answer (100) came before.
    length_.clear();
    is_chunked_ = false;
    return true;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  std::string name = lower(trim(line.substr(0, colon), kBlanks));
  std::string value(trim(line.substr(colon + 1), kBlanks));
  check_framing(name, value);
  if (refused_ != nullptr) return false;
  response_.headers.emplace_back(std::move(name), std::move(value));
  return true;
}

/// The end of the answer must not be a guess: what follows would be read as the next answer.
void CurlResponse::check_framing(std::string_view name, std::string_view value) {
  if (name == "transfer-encoding") is_chunked_ = true;
  if (name == "content-length") {
    if (!is_number(value)) refused_ = "http: Content-Length is no number";
    if (!length_.empty() && length_ != value) refused_ = "http: two different lengths";
    length_ = value;
  }
  if (is_chunked_ && !length_.empty()) {
    refused_ = "http: both Content-Length and Transfer-Encoding";
  }
}

}  // namespace registry_exporter::net
