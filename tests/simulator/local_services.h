#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulator/acr_wire.h"
#include "tests/simulator/swr_wire.h"
#include "tests/simulator/wire.h"

namespace registry_exporter::simulator {

/// What runs beside an exporter in a cloud and gives it keys: the metadata of an instance of either
/// cloud (both versions: a token is not needed, but a wrong one is refused), a credentials URI at
/// /credentials (acr), and pod identity at /pod-credentials (swr). Keys are lent again until half
/// of their life is over. Not thread-safe. Source: public pages and official clients of both
/// clouds.
class LocalServices {
 public:
  LocalServices(AcrWire& acr, SwrWire& swr) : acr_(acr), swr_(swr) {}
  static bool owns(std::string_view path);
  net::HttpResponse answer(const WireRequest& request, UnixMillis now);

 private:
  net::HttpResponse acr_metadata(const WireRequest& request, UnixMillis now);
  net::HttpResponse swr_metadata(const WireRequest& request, UnixMillis now);
  net::HttpResponse acr_keys(UnixMillis now);
  net::HttpResponse pod_keys(const WireRequest& request, UnixMillis now);

  AcrWire& acr_;
  SwrWire& swr_;
  std::optional<LentKey> acr_key_, swr_key_;
};

/// The operation of SWR or IAM that a request asks for, by the official clients' names; "" if none.
std::string_view swr_operation(const WireRequest& request);

}  // namespace registry_exporter::simulator
