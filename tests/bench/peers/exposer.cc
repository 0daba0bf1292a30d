// The same series with prometheus-cpp's registry and its own server.
//
//     exposer REPOSITORIES

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdlib>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const prometheus::Histogram::BucketBoundaries bounds{10,  30,   60,   120,  180,  300, 600,
                                                       900, 1200, 1800, 2700, 3600, 7200};
  auto registry = std::make_shared<prometheus::Registry>();
  auto& builds = prometheus::BuildCounter()
                     .Name("acr_builds_total")
                     .Help("Builds finished.")
                     .Register(*registry);
  auto& durations = prometheus::BuildHistogram()
                        .Name("acr_build_duration_seconds")
                        .Help("Durations of builds.")
                        .Register(*registry);
  const int repositories = std::atoi(argv[1]);
  for (int i = 0; i < repositories; ++i) {
    const prometheus::Labels labels{
        {"registry", "acr-prod"},
        {"repo_namespace", "payments-platform-" + std::to_string(i / 50)},
        {"repo", "checkout-service-" + std::to_string(i)}};
    for (const char* status : {"success", "failed", "canceled", "other"}) {
      auto with_status = labels;
      with_status["status"] = status;
      builds.Add(with_status).Increment(100 + i * 7919 % 5000);
    }
    auto with_status = labels;
    with_status["status"] = "success";
    auto& histogram = durations.Add(with_status, bounds);
    for (int n = 0; n < 20; ++n) histogram.Observe((i + n * 977) % 8000);
  }
  for (int gauge = 0; gauge < 10; ++gauge) {
    auto& family = prometheus::BuildGauge()
                       .Name("acr_gauge_" + std::to_string(gauge))
                       .Help("A gauge of a repository.")
                       .Register(*registry);
    for (int i = 0; i < repositories; ++i) {
      family
          .Add({{"registry", "acr-prod"},
                {"repo_namespace", "payments-platform-" + std::to_string(i / 50)},
                {"repo", "checkout-service-" + std::to_string(i)}})
          .Set(1732400000.123 + i);
    }
  }
  prometheus::Exposer exposer("127.0.0.1:0");
  exposer.RegisterCollectable(registry);
  std::cout << "127.0.0.1:" << exposer.GetListeningPorts().front() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
}
