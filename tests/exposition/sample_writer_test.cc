#include "exporter/exposition/sample_writer.h"

#include <doctest/doctest.h>

#include <string>

using namespace registry_exporter;

TEST_CASE(
    "sample_writer: a line is name, labels of the row, labels of the series, value, exemplar") {
  const LinePart row(R"(registry="r",repo="a")");
  SampleWriter writer;
  writer.add(line_frame("m"), row, std::uint64_t{1});
  writer.add(line_frame("m", R"(status="ok")"), row, 0.5, R"( # {id="x"} 1)");
  writer.add("m", R"(result="ok")", Thousandths{1500});
  writer.add("m", "", std::uint64_t{7});
  CHECK(writer.take() ==
        "m{registry=\"r\",repo=\"a\"} 1\n"
        "m{registry=\"r\",repo=\"a\",status=\"ok\"} 0.5 # {id=\"x\"} 1\n"
        "m{result=\"ok\"} 1.5\n"
        "m 7\n");
}

TEST_CASE("sample_writer: after take() it is empty and can be used again") {
  SampleWriter writer;
  CHECK(writer.take() == "");
  writer.add("m", "", std::uint64_t{1});
  CHECK(writer.size() == 4);
  CHECK(writer.take() == "m 1\n");
  CHECK(writer.size() == 0);
  CHECK(writer.take() == "");
}

TEST_CASE("sample_writer: parts of any length are written whole, however small the buffer is") {
  for (std::size_t length = 0; length < 3 * LinePart::kStride; ++length) {
    CAPTURE(length);
    const std::string text(length, 'x');
    const LineFrame frame{LinePart("m" + text + "{"), LinePart("} ")};
    SampleWriter writer(0);
    for (int i = 0; i < 3; ++i) writer.add(frame, LinePart(text), std::uint64_t{12345}, text);
    const std::string line = "m" + text + "{" + text + "} 12345" + text + "\n";
    CHECK(writer.take() == line + line + line);
  }
}
