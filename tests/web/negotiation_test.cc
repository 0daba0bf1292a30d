#include "exporter/web/negotiation.h"

#include <doctest/doctest.h>

using namespace registry_exporter;

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
      {"Prometheus 3 with native histograms",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.7,application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,"
       "*/*;q=0.2",
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
