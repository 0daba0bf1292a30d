#pragma once

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace registry_exporter::sample {

struct ParsedSample {
  std::string name;
  std::map<std::string, std::string> labels;
  std::string value;     ///< As written.
  std::string exemplar;  ///< What follows " # ", or empty.
};

struct ParsedFamily {
  std::string name, type, help, unit;
  std::vector<ParsedSample> samples;
};

/// Reads an exposition by rules written down here on their own. Throws std::runtime_error that
/// shows the line for anything that the format forbids: a family in two places, a series twice, a
/// sample outside its family, buckets that fall or don't end in +Inf = _count, a counter without
/// _total, a missing or misplaced "# EOF", bad escapes, bytes that are no UTF-8, blanks too many.
class ExpositionParser {
 public:
  ExpositionParser(std::string_view text, bool openmetrics)
      : rest_(text), openmetrics_(openmetrics) {}

  std::vector<ParsedFamily> parse() {
    bool ended = false;
    while (!rest_.empty()) {
      const std::size_t end = rest_.find('\n');
      line_ = rest_.substr(0, end);
      need(end != std::string_view::npos, "the last line has no end");
      rest_.remove_prefix(end + 1);
      need(!ended, "a line after # EOF");
      need(!line_.empty(), "an empty line");
      if (line_ == "# EOF") {
        ended = true;
      } else if (line_.starts_with("# ")) {
        read_head(line_.substr(2));
      } else {
        read_sample(line_);
      }
    }
    need(ended == openmetrics_, "# EOF stands in OpenMetrics alone, and must");
    for (const ParsedFamily& family : families_) {
      if (family.type == "histogram") check_histogram(family);
    }
    return std::move(families_);
  }

 private:
  void need(bool good, const std::string& what) const {
    if (!good) throw std::runtime_error(what + ": " + std::string(line_));
  }

  std::string_view cut_word(std::string_view& text) const {
    const std::size_t end = text.find(' ');
    need(end != std::string_view::npos, "a word is missing");
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end + 1);
    return word;
  }

  void read_head(std::string_view text) {
    const std::string_view kind = cut_word(text);
    const std::string name(cut_word(text));
    if (families_.empty() || families_.back().name != name) {
      need(names_.insert(name).second, "a family in two places");
      families_.emplace_back().name = name;
    }
    ParsedFamily& family = families_.back();
    need(family.samples.empty(), "a head after samples");
    std::string& part = kind == "HELP" ? family.help : kind == "TYPE" ? family.type : family.unit;
    need(kind == "HELP" || kind == "TYPE" || (kind == "UNIT" && openmetrics_), "what comment");
    need(part.empty(), "a head line twice");
    part = std::string(text);
    if (kind == "HELP") check_escapes(text, openmetrics_);
    if (kind == "UNIT") need(name.ends_with("_" + part), "the unit is not in the name");
    const bool total = name.ends_with("_total");
    if (kind == "TYPE" && part == "counter") need(total != openmetrics_, "_total in the TYPE line");
  }

  void check_escapes(std::string_view text, bool quotes) const {
    for (std::size_t i = 0; i < text.size(); ++i) {
      need(text[i] != '"' || !quotes, "a bare quote");
      if (text[i] != '\\') continue;
      need(++i < text.size(), "a lone backslash");
      need(text[i] == '\\' || text[i] == 'n' || (text[i] == '"' && quotes), "a bad escape");
    }
  }

  static std::string_view take_name(std::string_view& text) {
    std::size_t end = 0;
    const auto is_name = [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
             (c >= '0' && c <= '9' && end > 0);
    };
    while (end < text.size() && is_name(text[end])) ++end;
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(end);
    return name;
  }

  std::string take_quoted(std::string_view& text) const {
    need(text.starts_with('"'), "no quote");
    std::string value;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '"') {
        text.remove_prefix(i + 1);
        return value;
      }
      if (text[i] == '\\') {
        ++i;
        need(i < text.size() && (text[i] == '\\' || text[i] == '"' || text[i] == 'n'),
             "a bad escape");
        value.push_back(text[i] == 'n' ? '\n' : text[i]);
      } else {
        value.push_back(text[i]);
      }
    }
    need(false, "an open quote");
    return value;
  }

  std::map<std::string, std::string> take_labels(std::string_view& text) const {
    std::map<std::string, std::string> labels;
    if (!text.starts_with('{')) return labels;
    do {
      text.remove_prefix(1);
      const std::string name(take_name(text));
      need(!name.empty() && text.starts_with('='), "no label");
      text.remove_prefix(1);
      std::string value = take_quoted(text);
      need(is_utf8(value), "no UTF-8");
      need(labels.emplace(name, std::move(value)).second, "a label twice");
    } while (text.starts_with(','));
    need(text.starts_with('}'), "labels that don't end");
    text.remove_prefix(1);
    return labels;
  }

  void read_sample(std::string_view text) {
    need(!families_.empty(), "a sample without a head");
    ParsedFamily& family = families_.back();
    ParsedSample sample;
    sample.name = std::string(take_name(text));
    need(belongs(family, sample.name), "a sample in another family");
    sample.labels = take_labels(text);
    need(text.starts_with(' '), "no blank before the value");
    text.remove_prefix(1);
    const std::size_t exemplar = text.find(" # ");
    if (exemplar != std::string_view::npos) {
      need(openmetrics_ && sample.name.ends_with("_bucket"), "an exemplar here");
      sample.exemplar = std::string(text.substr(exemplar + 3));
      text = text.substr(0, exemplar);
    }
    sample.value = std::string(text);
    need(is_number(sample.value), "no number");
    need(series_.emplace(sample.name, sample.labels).second, "a series twice");
    family.samples.push_back(std::move(sample));
  }

  bool belongs(const ParsedFamily& family, const std::string& name) const {
    std::set<std::string> names;
    const bool counter = family.type == "counter";
    if (family.type == "histogram") {
      names = {family.name + "_bucket", family.name + "_sum", family.name + "_count"};
    } else {
      names = {counter && openmetrics_ ? family.name + "_total" : family.name};
    }
    if (openmetrics_ && family.type != "gauge") names.insert(family.name + "_created");
    return names.contains(name);
  }

  static bool is_number(const std::string& text) {
    if (text.empty() || text.find_first_of(" \t") != std::string::npos) return false;
    std::size_t used = 0;
    std::stod(text, &used);
    return used == text.size();
  }

  static bool is_utf8(std::string_view text) {
    while (!text.empty()) {
      const auto first = static_cast<unsigned char>(text[0]);
      const std::size_t length = first < 0x80    ? 1
                                 : first < 0xC2  ? 0
                                 : first < 0xE0  ? 2
                                 : first < 0xF0  ? 3
                                 : first <= 0xF4 ? 4
                                                 : 0;
      if (length == 0 || length > text.size()) return false;
      unsigned long point = length == 1 ? first : first & (0x7FU >> length);
      for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0U) != 0x80) return false;
        point = point << 6U | (next & 0x3FU);
      }
      const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
      const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
      if (point < least[length] || surrogate || point > 0x10FFFF) return false;
      text.remove_prefix(length);
    }
    return true;
  }

  void check_histogram(const ParsedFamily& family) const {
    struct Histogram {
      std::optional<double> bound, cumulative, count, sum;
    };
    std::map<std::map<std::string, std::string>, Histogram> histograms;
    for (const ParsedSample& sample : family.samples) {
      auto labels = sample.labels;
      const std::string bound_text = labels.contains("le") ? labels.at("le") : "";
      labels.erase("le");
      Histogram& histogram = histograms[labels];
      const double value = std::stod(sample.value);
      if (sample.name.ends_with("_bucket")) {
        const double bound = std::stod(bound_text);
        need(!histogram.bound || *histogram.bound < bound, "bounds out of order: " + family.name);
        need(!histogram.cumulative || *histogram.cumulative <= value,
             "buckets that fall: " + family.name);
        histogram.bound = bound;
        histogram.cumulative = value;
      } else if (sample.name.ends_with("_count")) {
        histogram.count = value;
      } else if (sample.name.ends_with("_sum")) {
        histogram.sum = value;
      }
    }
    for (const auto& [labels, histogram] : histograms) {
      need(histogram.bound && *histogram.bound > 1e300, "no +Inf: " + family.name);
      need(histogram.count && *histogram.count == *histogram.cumulative,
           "_count is not +Inf: " + family.name);
      need(histogram.sum.has_value(), "no _sum: " + family.name);
    }
  }

  std::string_view rest_, line_;
  const bool openmetrics_;
  std::vector<ParsedFamily> families_;
  std::set<std::string> names_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> series_;
};

inline std::vector<ParsedFamily> parse_exposition(std::string_view text, bool openmetrics) {
  return ExpositionParser(text, openmetrics).parse();
}

/// nullptr: there is no such family.
inline const ParsedFamily* find(const std::vector<ParsedFamily>& families, std::string_view name) {
  for (const ParsedFamily& family : families) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

}  // namespace registry_exporter::sample
