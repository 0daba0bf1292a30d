#include "exporter/exposition/sample_writer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace registry_exporter;
using namespace registry_exporter::exposition;

namespace {

constexpr auto kText = ExpositionFormat::text;
constexpr auto kOpenMetrics = ExpositionFormat::openmetrics;
constexpr auto kGauge = FamilyType::gauge;

}  // namespace

TEST_CASE("sample_writer: a line is name, labels of the row, labels of the series, value") {
  const LinePart row(R"(registry="r",repo="a")");
  SampleWriter writer;
  writer.add(line_frame(kText, "m"), row, std::uint64_t{1});
  writer.add(line_frame(kText, "m", {{"status", "o\"k"}, {"x", ""}}), row, 0.5);
  writer.add("m", kGauge, {{"result", "ok"}}, Thousandths{1500});
  writer.add("m", kGauge, {}, std::uint64_t{7});
  CHECK(writer.take() ==
        "m{registry=\"r\",repo=\"a\"} 1\n"
        "m{registry=\"r\",repo=\"a\",status=\"o\\\"k\",x=\"\"} 0.5\n"
        "m{result=\"ok\"} 1.5\n"
        "m 7\n");
}

TEST_CASE("sample_writer: counters and histograms tell their beginning where there is one") {
  const LinePart row(R"(r="a")");
  const UnixMillis created{Millis{2'500}};
  SampleWriter writer(kOpenMetrics);
  writer.add(counter_frame(kOpenMetrics, "m_total"), row, std::uint64_t{1}, created);
  writer.add(counter_frame(kOpenMetrics, "m_total"), row, std::uint64_t{2}, std::nullopt);
  const std::vector<std::uint64_t> cumulative{0, 1};
  const std::vector<std::optional<Exemplar>> exemplars{Exemplar{"no", 1, created},
                                                       Exemplar{"b", 70, created}};
  writer.add(histogram_frame(kOpenMetrics, "h", {60}, {{"s", "x"}}), row,
             HistogramSample<double>{
                 .cumulative = cumulative, .sum = 70, .created = created, .exemplars = exemplars});
  CHECK(writer.take() ==
        "m_total{r=\"a\"} 1\nm_created{r=\"a\"} 2.5\nm_total{r=\"a\"} 2\n"
        "h_bucket{r=\"a\",s=\"x\",le=\"60.0\"} 0\n"
        "h_bucket{r=\"a\",s=\"x\",le=\"+Inf\"} 1 # {build_record_id=\"b\"} 70 2.5\n"
        "h_sum{r=\"a\",s=\"x\"} 70\nh_count{r=\"a\",s=\"x\"} 1\nh_created{r=\"a\",s=\"x\"} 2.5\n");
}

TEST_CASE("sample_writer: after take() it is empty and can be used again") {
  for (const auto format : {kText, ExpositionFormat::protobuf}) {
    SampleWriter writer(format);
    CHECK(writer.take() == "");
    writer.add("m", kGauge, {}, std::uint64_t{1});
    const std::size_t size = writer.size();
    CHECK(size > 0);
    CHECK(writer.take().size() == size);
    CHECK(writer.size() == 0);
    CHECK(writer.take() == "");
  }
}

TEST_CASE("sample_writer: parts of any length are written whole, however small the buffer is") {
  for (std::size_t length = 0; length < 3 * LinePart::kStride; ++length) {
    CAPTURE(length);
    const std::string text(length, 'x');
    const LineFrame frame{LinePart("m" + text + "{"), LinePart("} ")};
    SampleWriter writer(kText, 0);
    for (int i = 0; i < 3; ++i) writer.add(frame, LinePart(text), std::uint64_t{12345});
    const std::string line = "m" + text + "{" + text + "} 12345\n";
    CHECK(writer.take() == line + line + line);
  }
}
