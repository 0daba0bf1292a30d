// Serves the exposition of N repositories that show 30 lines each, as the exporter would: between
// any two scrapes a given share of them changes.
//
//     exposition_server REPOSITORIES PERCENT_CHANGED
//
// Prints the address, then serves until its standard input ends.

#include <cstdlib>
#include <iostream>
#include <mutex>

#include "exporter/exposition/self_metrics.h"
#include "exporter/web/negotiation.h"
#include "exporter/web/server.h"
#include "tests/exposition/sample_snapshot.h"

using namespace registry_exporter;

namespace {

class Source {
 public:
  Source(std::size_t repositories, double percent)
      : changed_(static_cast<std::size_t>(static_cast<double>(repositories) * percent / 100)),
        newest_(sample::busy_registry(repositories, 1)),
        exposition_(sample::busy_options(), self_) {}

  web::WebResponse response(const web::WebRequest& request) {
    const std::lock_guard lock(mutex_);
    if (changed_ > 0) change();
    const auto format = web::negotiate_format(request.header("accept"));
    const bool gzip = web::accepts_gzip(request.header("accept-encoding"));
    exposition::LiveState live;
    live.now = newest_->taken_at;
    web::WebResponse response;
    response.headers = {{"Content-Type", std::string(exposition::content_type(format))}};
    if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = exposition_.render({{newest_}}, live, {.format = format, .gzip = gzip});
    return response;
  }

 private:
  /// A build ended in every so many repositories.
  void change() {
    auto next = std::make_shared<RegistrySnapshot>(*newest_);
    ++next->version;
    const std::size_t stride = next->rows.size() / changed_;
    for (std::size_t i = 0; i < changed_; ++i) {
      RepositoryRow& row = next->rows[i * stride + next->version % stride];
      auto view = std::make_shared<RepositoryView>(*row.cells[0].view);
      EventCounters counters = *row.cells[0].shown;
      ++counters.events[Outcome::success];
      ++counters.durations[Outcome::success].edit().counts[3];
      view->last_read = sample::at(1'732'500'000 + static_cast<std::int64_t>(next->version));
      row = sample::shown(std::move(view), counters);
    }
    newest_ = next;
  }

  std::mutex mutex_;
  const std::size_t changed_;
  std::shared_ptr<const RegistrySnapshot> newest_;
  exposition::SelfMetrics self_{sample::kStillClock};
  exposition::Exposition exposition_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Source source(static_cast<std::size_t>(std::atoi(argv[1])), std::atof(argv[2]));
  web::ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  const auto server = web::make_server(
      options, [&](web::WebRequest request, std::function<void(web::WebResponse)> reply) {
        reply(source.response(request));
      });
  if (!server->start()) return 1;
  std::cout << server->addresses().front() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  server->stop(Millis{1000});
}
