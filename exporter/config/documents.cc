#include "exporter/config/documents.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

namespace registry_exporter::config {
namespace {

/// Sees where a document's content begins.
class Beginning : public YAML::EventHandler {
 public:
  std::optional<int> line;  ///< From 1; empty while there is nothing.

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { begin(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string&) override {
    begin(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    begin(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    begin(mark);
  }
  void OnMapEnd() override {}

 private:
  void begin(const YAML::Mark& mark) {
    if (!line) line = mark.line + 1;
  }
};

}  // namespace

std::optional<int> second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Beginning first, second;
  parser.HandleNextDocument(first);
  parser.HandleNextDocument(second);
  if (second.line) return second.line;
  if (!parser) return std::nullopt;
  return static_cast<int>(std::count(text.begin(), text.end(), '\n')) +
         (text.ends_with('\n') ? 0 : 1);
}

}  // namespace registry_exporter::config
