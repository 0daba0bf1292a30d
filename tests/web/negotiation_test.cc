#include "exporter/web/negotiation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

using namespace registry_exporter;
using namespace registry_exporter::web;

namespace {

constexpr auto kText = ExpositionFormat::text;
constexpr auto kOpenMetrics = ExpositionFormat::openmetrics;
constexpr auto kProtobuf = ExpositionFormat::protobuf;

/// What a scrape protocol is called, its name in the header, and what we answer it with.
struct Protocol {
  const char* name;
  const char* media_type;
  std::optional<ExpositionFormat> spoken;
};
// config.ScrapeProtocolsHeaders in prometheus/prometheus, config/config.go (3.0.0; 2.53 lacks
// PrometheusText1.0.0).
const Protocol kProtocols[] = {
    {"PrometheusProto",
     "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
     kProtobuf},
    {"OpenMetricsText1.0.0", "application/openmetrics-text;version=1.0.0", kOpenMetrics},
    {"OpenMetricsText0.0.1", "application/openmetrics-text;version=0.0.1", std::nullopt},
    {"PrometheusText0.0.4", "text/plain;version=0.0.4", kText},
    {"PrometheusText1.0.0", "text/plain;version=1.0.0", std::nullopt},
};

/// Which protocols name escaping=: none (2.49 to 2.55), all (3.0 to 3.3), those of 1.0.0 (later).
enum class Escaping { none, all, new_texts };

/// The header that acceptHeader() in prometheus/prometheus, scrape/scrape.go, makes of
/// scrape_protocols. Grafana Alloy (internal/component/prometheus/scrape/scrape.go) and the
/// OpenTelemetry collector (receiver/prometheusreceiver) scrape by this very function.
std::string accept_header(const std::vector<int>& order, Escaping escaping) {
  std::string header;
  int weight = escaping == Escaping::none ? 5 : 6;
  for (const int index : order) {
    const std::string type = kProtocols[index].media_type;
    const bool named = escaping == Escaping::all ||
                       (escaping == Escaping::new_texts && type.ends_with("version=1.0.0"));
    header += type + (named ? ";escaping=allow-utf-8" : "") + ";q=0." + std::to_string(weight--);
    header += ",";
  }
  return header + "*/*;q=0." + std::to_string(weight);
}

/// The first protocol of the order that is spoken here; text if there is none.
ExpositionFormat first_spoken(const std::vector<int>& order) {
  for (const int index : order) {
    if (kProtocols[index].spoken) return *kProtocols[index].spoken;
  }
  return kText;
}

/// All orders of all choices of `protocols` scrape protocols, the empty one too.
std::vector<std::vector<int>> all_orders(int protocols) {
  std::vector<std::vector<int>> orders{{}};
  for (std::size_t i = 0; i < orders.size(); ++i) {
    for (int index = 0; index < protocols; ++index) {
      std::vector<int> longer = orders[i];
      if (std::find(longer.begin(), longer.end(), index) != longer.end()) continue;
      longer.push_back(index);
      orders.push_back(std::move(longer));
    }
  }
  return orders;
}

}  // namespace

TEST_CASE(
    "negotiation: in every order of scrape_protocols the first that is spoken here is taken") {
  for (const Escaping escaping : {Escaping::none, Escaping::all, Escaping::new_texts}) {
    const auto orders = all_orders(escaping == Escaping::none ? 4 : 5);
    CHECK(orders.size() == (escaping == Escaping::none ? 65 : 326));
    for (const auto& order : orders) {
      const std::string accept = accept_header(order, escaping);
      CAPTURE(accept);
      CHECK(negotiate_format(accept) == first_spoken(order));
      const bool named = accept.find("escaping=") != std::string::npos;
      CHECK(names_escaping(accept) == named);
    }
  }
}

TEST_CASE("negotiation: what scrapers send") {
  struct Row {
    const char* scraper;
    const char* source;
    const char* accept;
    ExpositionFormat format;
  };
  const Row rows[] = {
      {"Prometheus 2.42", "prometheus/prometheus v2.42.0 scrape/scrape.go scrapeAcceptHeader",
       "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
       "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kOpenMetrics},
      {"Prometheus 2.42, native-histograms",
       "prometheus/prometheus v2.42.0 scrape/scrape.go scrapeAcceptHeaderWithProtobuf",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
       "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;"
       "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kProtobuf},
      {"Prometheus 2.53", "prometheus/prometheus v2.53.0 config.DefaultScrapeProtocols",
       "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
       "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       kOpenMetrics},
      {"Prometheus 2.53, native-histograms or created-timestamp-zero-ingestion",
       "prometheus/prometheus v2.53.0 config.DefaultProtoFirstScrapeProtocols",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;"
       "version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
       kProtobuf},
      {"Prometheus 3.0", "prometheus/prometheus v3.0.0 config.DefaultScrapeProtocols",
       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
       "application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.5,"
       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
       "text/plain;version=0.0.4;escaping=allow-utf-8;q=0.3,*/*;q=0.2",
       kOpenMetrics},
      {"Prometheus that prefers texts", "the header that Prometheus 3.14.0 was seen to send",
       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,"
       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.3",
       kText},
      {"Prometheus before 2.0", "prometheus/prometheus v1.8.2 retrieval/scrape.go acceptHeader",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.7,text/plain;version=0.0.4;q=0.3,application/json;schema=\"prometheus/telemetry\";"
       "version=0.0.2;q=0.2,*/*;q=0.1",
       kProtobuf},
      {"vmagent, VictoriaMetrics", "VictoriaMetrics/VictoriaMetrics lib/promscrape/client.go",
       "text/plain;version=0.0.4;q=1,*/*;q=0.1", kText},
      {"Grafana Alloy",
       "grafana/alloy internal/component/prometheus/scrape/scrape.go: Prometheus' defaults, names "
       "escaped with underscores",
       "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,"
       "application/openmetrics-text;version=0.0.1;q=0.5,"
       "text/plain;version=1.0.0;escaping=underscores;q=0.4,text/plain;version=0.0.4;q=0.3,"
       "*/*;q=0.2",
       kOpenMetrics},
      {"Grafana Alloy, scrape_native_histograms",
       "grafana/alloy internal/component/prometheus/scrape/scrape.go Arguments.Validate",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.6,application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,"
       "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
       "escaping=underscores;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
       kProtobuf},
      {"OpenTelemetry collector",
       "open-telemetry/opentelemetry-collector-contrib receiver/prometheusreceiver: Prometheus' "
       "scrape manager with its defaults",
       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
       "application/openmetrics-text;version=0.0.1;q=0.5,"
       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
       "*/*;q=0.2",
       kOpenMetrics},
      {"Datadog Agent from 7.46 on", "DataDog/integrations-core openmetrics/README.md",
       "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
       "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kOpenMetrics},
      {"Datadog Agent before 7.46", "DataDog/integrations-core openmetrics/README.md", "text/plain",
       kText},
      {"Telegraf",
       "influxdata/telegraf plugins/inputs/prometheus/prometheus.go acceptHeader (1.20)",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.7,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
       kProtobuf},
      {"Telegraf before 1.16", "influxdata/telegraf plugins/inputs/prometheus/prometheus.go",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.7,text/plain;version=0.0.4;q=0.3",
       kProtobuf},
      {"Netdata", "netdata/netdata src/go/plugin/go.d/pkg/prometheus acceptHeader",
       "text/plain;version=0.0.4;q=1,*/*;q=0.1", kText},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scraper);
    CAPTURE(row.source);
    CHECK(negotiate_format(row.accept) == row.format);
  }
}

TEST_CASE("negotiation: protobuf only by its whole name with the highest q") {
  const std::string name =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  struct Row {
    const char* name;
    std::string accept;
    ExpositionFormat format;
  };
  const Row rows[] = {
      {"alone", name, kProtobuf},
      {"quoted, with blanks",
       "Application/VND.google.protobuf ; proto=\"io.prometheus.client.MetricFamily\" ; "
       "encoding=\"delimited\" ; q=0.4, text/plain;q=0.3",
       kProtobuf},
      {"no message", "application/vnd.google.protobuf;encoding=delimited", kText},
      {"another message",
       "application/vnd.google.protobuf;proto=io.prometheus.client.Metric;encoding=delimited",
       kText},
      {"no encoding", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily",
       kText},
      {"another encoding",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
       kText},
      {"equal q is not higher", name + ",text/plain", kText},
      {"nor than OpenMetrics'", name + ",application/openmetrics-text", kOpenMetrics},
      {"a wildcard that is preferred", name + ";q=0.5,*/*;q=0.6", kText},
      {"refused", name + ";q=0", kText},
      {"a type wildcard", "application/*", kText},
      {"the names of two types in one", "text/plain" + name, kText},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(negotiate_format(row.accept) == row.format);
  }
}

TEST_CASE("negotiation: escaping is told to those who name it") {
  CHECK(names_escaping("text/plain;version=1.0.0;escaping=allow-utf-8"));
  CHECK(names_escaping("a/b, text/plain ; Escaping=\"dots\" ;q=0.1"));
  CHECK_FALSE(names_escaping(""));
  CHECK_FALSE(names_escaping("text/plain;escaping"));
  CHECK_FALSE(names_escaping("text/plain;escaping="));
  CHECK_FALSE(names_escaping("text/plain;x=\";escaping=values\""));
  CHECK_FALSE(names_escaping("escaping=values"));
}

TEST_CASE("negotiation: OpenMetrics only when it is asked for by name with the higher q") {
  struct Row {
    const char* name;
    const char* accept;
    bool openmetrics;
  };
  const Row rows[] = {
      {"nothing", "", false},
      {"anything", "*/*", false},
      {"Prometheus 2.42",
       "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
       "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       true},
      {"Prometheus 3",
       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
       "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
       "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       true},
      {"by name alone", "application/openmetrics-text", true},
      {"another charset parameter", "application/openmetrics-text; version=1.0.0; charset=utf-8",
       true},
      {"upper case and blanks", "Application/OpenMetrics-Text ; Version=1.0.0 ; Q=0.9", true},
      {"quoted version", "application/openmetrics-text;version=\"1.0.0\"", true},
      {"a version we don't speak", "application/openmetrics-text;version=0.0.1", false},
      {"a future version", "application/openmetrics-text;version=2.0.0", false},
      {"equal q is not higher", "application/openmetrics-text,text/plain", false},
      {"text preferred", "text/plain;q=1,application/openmetrics-text;q=0.9", false},
      {"text preferred by a wildcard", "application/openmetrics-text;q=0.4,text/*;q=0.5", false},
      {"explicit text beats the wildcard",
       "application/openmetrics-text;q=0.4,text/plain;q=0.3,*/*", true},
      {"refused", "application/openmetrics-text;q=0", false},
      {"all refused: text all the same", "application/openmetrics-text;q=0,text/plain;q=0", false},
      {"q is no number", "application/openmetrics-text;q=nan", false},
      {"q above 1", "application/openmetrics-text;q=1.5", false},
      {"q negative", "application/openmetrics-text;q=-1", false},
      {"q empty", "application/openmetrics-text;q=", false},
      {"long q", "application/openmetrics-text;q=0.33333333,text/plain;q=0.3", true},
      {"a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false},
      {"application wildcard is not a name", "application/*", false},
      {"garbage", ";;;,,,q=;=\"", false},
      {"an open quote", "application/openmetrics-text;version=\"1.0.0, text/plain", false},
      {"a comma in quotes", "a/b;x=\"1,2\\\",\",application/openmetrics-text", true},
      {"glued", "application/openmetrics-textx", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK((negotiate_format(row.accept) == ExpositionFormat::openmetrics) == row.openmetrics);
  }
}

TEST_CASE("negotiation: gzip only when it is acceptable and identity is not preferred") {
  struct Row {
    const char* accept_encoding;
    bool gzip;
  };
  const Row rows[] = {
      {"", false},
      {"gzip", true},
      {"GZIP", true},
      {"x-gzip", true},
      {"gzip, deflate, br", true},
      {"deflate, br", false},
      {"gzip;q=0", false},
      {"gzip;q=0.0", false},
      {"gzip;q=0.000", false},
      {"gzip; q=0.5", true},
      {"gzip;q=0.001", true},
      {"*", true},
      {"*;q=0", false},
      {"gzip;q=0, *", false},
      {"identity", false},
      {"identity;q=0.5, gzip;q=1.0", true},
      {"gzip;q=0.5, identity", false},
      {"gzip;q=nan", false},
      {"gzip;q=2", false},
      {"gzipped", false},
      {",,gzip,,", true},
      {"gzip;q", true},
      {";q=1", false},
      {"\"gzip\"", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.accept_encoding);
    CHECK(accepts_gzip(row.accept_encoding) == row.gzip);
  }
}
