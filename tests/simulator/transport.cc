#include "tests/simulator/transport.h"

#include <algorithm>

namespace registry_exporter::simulator {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

}  // namespace

WireRequest to_wire(const net::HttpRequest& request) {
  WireRequest wire{
      .method = request.method, .target = request.target, .headers = {}, .body = request.body};
  for (const auto& [name, value] : request.headers) wire.headers.emplace_back(lower(name), value);
  const std::size_t host = request.origin.find("://");
  if (wire.header("host").empty() && host != std::string::npos) {
    wire.headers.emplace_back("host", request.origin.substr(host + 3));
  }
  return wire;
}

SimulatedTransport::SimulatedTransport(Simulator& simulator, const Clock& clock, Wait wait,
                                       Millis latency)
    : simulator_(simulator), clock_(clock), wait_(std::move(wait)), latency_(latency) {}

Result<net::HttpResponse> SimulatedTransport::send(const net::HttpRequest& request) {
  if (aborted_) return fail(ErrorKind::canceled, "the transport is stopping");
  if (wait_) wait_(latency_ / 2);  // On the way there.
  Reply reply = simulator_.answer(to_wire(request), clock_.now());
  const Millis rest = latency_ / 2 + reply.delay;
  const bool late = reply.lost || rest >= request.timeout;
  if (wait_) wait_(late ? request.timeout : rest);
  if (aborted_) return fail(ErrorKind::canceled, "the transport is stopping");
  if (late) return fail(ErrorKind::timeout, "no answer in time");
  if (reply.cut) return fail(ErrorKind::transport, "the connection was cut");
  return std::move(reply.response);
}

}  // namespace registry_exporter::simulator
