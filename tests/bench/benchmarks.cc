// What the hot paths cost, side by side with what they can't be cheaper than. CPU time of the
// measuring thread.
#include <benchmark/benchmark.h>
#include <curl/curl.h>
#include <httplib.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "exporter/acr/codec.h"
#include "exporter/acr/requests.h"
#include "exporter/acr/signer.h"
#include "exporter/ingest/ledger_rules.h"
#include "exporter/net/curl_transport.h"
#include "exporter/store/state_store.h"
#include "tests/bench/build_page.h"
#include "tests/store/sample_state.h"

namespace registry_exporter {
namespace {

constexpr int kRepositories = 10'000;

/// Signing one request, parsing its answer, merging its records.
void SignParseMerge(benchmark::State& state) {
  const acr::Target target{"https://cr.cn-hangzhou.aliyuncs.com", "cri-1", Millis{10'000}};
  const cloud::Keys keys{"id", Secret("secret"), {}, {}, {}, 1};
  const RepositoryRef repository{"shop", "api", "crr-a"};
  const acr::BuildStatusMap statuses;
  const std::vector<double> bounds{10,  30,   60,   120,  180,  300, 600,
                                   900, 1200, 1800, 2700, 3600, 7200};
  std::vector<std::string> bodies;
  for (int i = 0; i < 64; ++i) bodies.push_back(bench::page_of_builds(i, state.range(0)));
  Ledger ledger;
  int round = 0;
  for (auto _ : state) {
    if (round % 8 == 0) ledger = {};  // A busy repository remembers some hundred records.
    benchmark::DoNotOptimize(acr::sign_v3(acr::list_build_records(target, "crr-a", {0, 100}), keys,
                                          UnixMillis{Millis{1'767'323'045'000}},
                                          "3156853299f313e23d1673dc12e1703d"));
    const auto page = acr::parse_build_page(bodies[static_cast<std::size_t>(round++ % 64)],
                                            repository, {0, 100}, statuses);
    ingest::MergeEffects effects;
    for (const Record& record : page->records) {
      ingest::merge_record(
          ledger, record, {&kBuilds, UnixMillis{Millis{1'767'323'045'000}}, bounds, true}, effects);
    }
  }
}
BENCHMARK(SignParseMerge)->Arg(100)->Arg(10)->Unit(benchmark::kMicrosecond);

/// Brings such a page over HTTPS, on a connection that is kept alive.
void exchange(benchmark::State& state,
              const std::function<bool(const std::string& origin, const std::string& ca_file,
                                       std::size_t size)>& send) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("registry_exporter_bench." + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::string certificate = folder / "cert.pem";
  const std::string key = folder / "key.pem";
  const std::string command =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
      "subjectAltName=IP:127.0.0.1 -keyout " +
      key + " -out " + certificate + " 2>/dev/null";
  if (std::system(command.c_str()) != 0) return state.SkipWithError("openssl is missing");
  httplib::SSLServer server(certificate.c_str(), key.c_str());
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000);
  const std::string body = bench::page_of_builds(1, state.range(0));
  server.Post("/", [&](const httplib::Request&, httplib::Response& response) {
    response.set_content(body, "application/json");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { server.listen_after_bind(); });
  const std::string origin = "https://127.0.0.1:" + std::to_string(port);
  for (auto _ : state) {
    if (!send(origin, certificate, body.size())) state.SkipWithError("no answer");
  }
  server.stop();
  serving.join();
  std::filesystem::remove_all(folder);
}

/// As we do it.
void HttpsExchange(benchmark::State& state) {
  std::unique_ptr<net::HttpTransport> transport;
  exchange(state, [&](const std::string& origin, const std::string& ca_file, std::size_t size) {
    net::CurlOptions options;
    options.ca_file = ca_file;
    if (!transport) transport = net::make_curl_transport(options);
    net::HttpRequest request;
    request.method = "POST";
    request.direct = true;
    request.origin = origin;
    const auto response = transport->send(request);
    return response && response->body.size() == size;
  });
}
BENCHMARK(HttpsExchange)->Arg(100)->Arg(10)->Unit(benchmark::kMicrosecond);

/// As little as libcurl can do: one easy handle, the bytes are thrown away.
void CurlEasy(benchmark::State& state) {
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  std::size_t received = 0;
  const auto discard = +[](char*, std::size_t size, std::size_t count, void* sum) {
    *static_cast<std::size_t*>(sum) += size * count;
    return size * count;
  };
  exchange(state, [&](const std::string& origin, const std::string& ca_file, std::size_t size) {
    curl_easy_setopt(handle.get(), CURLOPT_URL, (origin + "/").c_str());
    curl_easy_setopt(handle.get(), CURLOPT_CAINFO, ca_file.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &received);
    received = 0;
    return curl_easy_perform(handle.get()) == CURLE_OK && received == size;
  });
}
BENCHMARK(CurlEasy)->Arg(100)->Arg(10)->Unit(benchmark::kMicrosecond);

/// So many of 10,000 repositories have changed, with one new id each: one synced transaction.
void Commit(benchmark::State& state) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("registry_exporter_bench." + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const auto store = store::make_sqlite_state_store({.path = folder / "state.db", .vfs = {}}, {});
  if (!store->load()) return state.SkipWithError("no state");
  store::StateChanges changes;
  for (int i = 1; i <= kRepositories; ++i) {
    store::RepositoryChange change;
    change.number = i;
    change.registry = 1;
    change.head = store::quiet_repository(i);
    change.closed = std::exchange(change.head.ledger.closed, {});
    change.closed.resize(1);
    changes.repositories.push_back(std::move(change));
  }
  if (!store->commit(changes)) return state.SkipWithError("not committed");
  changes.repositories.resize(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    if (!store->commit(changes)) state.SkipWithError("not committed");
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(Commit)->Arg(kRepositories)->Arg(kRepositories / 100)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace registry_exporter

BENCHMARK_MAIN();
