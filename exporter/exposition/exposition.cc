#include "exporter/exposition/exposition.h"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/gzip_stream.h"
#include "exporter/exposition/process_metrics.h"
#include "exporter/exposition/render.h"
#include "exporter/exposition/self_metrics.h"

namespace registry_exporter {
namespace {

/// Lines of a snapshot that stay together: rendered once, compressed at most once.
struct Block {
  explicit Block(std::string text_given)
      : text(std::make_shared<const std::string>(std::move(text_given))) {}

  const Chunk text;

  const DeflatedPiece& deflated() {
    std::call_once(once_, [this] { deflated_ = deflate_piece(*text); });
    return deflated_;
  }

 private:
  std::once_flag once_;
  DeflatedPiece deflated_;
};
using Blocks = std::vector<std::shared_ptr<Block>>;

/// One registry's part of the exposition, by family.
struct RenderedRegistry {
  std::shared_ptr<const RegistrySnapshot> snapshot;
  std::map<std::string_view, Blocks> families;
};

/// What hasn't changed since the last snapshot keeps its block, and with it its compressed form.
Blocks to_blocks(std::vector<std::string> texts, const Blocks* before) {
  Blocks blocks;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const bool same = before != nullptr && i < before->size() && *(*before)[i]->text == texts[i];
    blocks.push_back(same ? (*before)[i] : std::make_shared<Block>(std::move(texts[i])));
  }
  return blocks;
}

/// Pieces of an answer in order: blocks of snapshots, and the scrape's own text between them.
class Answer {
 public:
  explicit Answer(bool gzip) : gzip_(gzip) {
    if (gzip_) chunks_.push_back(std::make_shared<const std::string>(GzipStream::header()));
  }

  void add(std::string_view text) { own_ += text; }
  void add(const std::shared_ptr<Block>& block) {
    flush();
    if (!gzip_) {
      chunks_.push_back(block->text);
      return;
    }
    const DeflatedPiece& piece = block->deflated();
    stream_.add(piece);
    chunks_.emplace_back(block, &piece.bytes);  // Lives as long as the block.
  }
  std::vector<Chunk> finish() {
    flush();
    if (gzip_) chunks_.push_back(std::make_shared<const std::string>(stream_.trailer()));
    return std::move(chunks_);
  }

 private:
  void flush() {
    if (own_.empty()) return;
    std::string text = std::exchange(own_, {});
    if (gzip_) {
      DeflatedPiece piece = deflate_piece(text);
      stream_.add(piece);
      text = std::move(piece.bytes);
    }
    chunks_.push_back(std::make_shared<const std::string>(std::move(text)));
  }

  const bool gzip_;
  GzipStream stream_;
  std::string own_;
  std::vector<Chunk> chunks_;
};

std::string labels_of(const prometheus::ClientMetric& metric) {
  std::string labels;
  for (const auto& each : metric.label) {
    if (!labels.empty()) labels.push_back(',');
    append_label(labels, each.name, each.value);
  }
  return labels;
}

void append_sample(std::string& out, const std::string& name, const std::string& labels,
                   double value) {
  out += name;
  if (!labels.empty()) out += "{" + labels + "}";
  out.push_back(' ');
  append_number(out, value);
  out.push_back('\n');
}

/// prometheus-cpp's values in our spelling.
std::string encode_self(const prometheus::MetricFamily& family) {
  std::string out;
  for (const prometheus::ClientMetric& metric : family.metric) {
    const std::string labels = labels_of(metric);
    if (family.type != prometheus::MetricType::Histogram) {
      append_sample(out, family.name, labels, metric.counter.value);
      continue;
    }
    for (const auto& bucket : metric.histogram.bucket) {
      append_sample(out, family.name + "_bucket",
                    labels + ",le=\"" + bucket_bound(bucket.upper_bound) + "\"",
                    static_cast<double>(bucket.cumulative_count));
    }
    append_sample(out, family.name + "_sum", labels, metric.histogram.sample_sum);
    append_sample(out, family.name + "_count", labels,
                  static_cast<double>(metric.histogram.sample_count));
  }
  return out;
}

}  // namespace

struct Exposition::Cache {
  std::mutex mutex;
  /// By registry, then format.
  std::map<std::pair<std::string, ExpositionFormat>, std::shared_ptr<const RenderedRegistry>>
      registries;
};

Exposition::Exposition(ExpositionOptions options, SelfMetrics& self)
    : options_(std::move(options)), self_(self), cache_(std::make_unique<Cache>()) {}

Exposition::~Exposition() = default;

bool is_known_family(std::string_view family) { return find_family(family) != nullptr; }

namespace {

std::shared_ptr<const RenderedRegistry> render_registry(
    const std::shared_ptr<const RegistrySnapshot>& snapshot, const RenderedRegistry* before,
    const ExpositionOptions& options, ExpositionFormat format) {
  auto rendered = std::make_shared<RenderedRegistry>();
  rendered->snapshot = snapshot;
  const std::vector<std::string> labels = row_labels(*snapshot);
  for (const Family& family : families()) {
    const Blocks* blocks_before = nullptr;
    if (before != nullptr) {
      const auto found = before->families.find(family.name);
      if (found != before->families.end()) blocks_before = &found->second;
    }
    Blocks blocks =
        to_blocks(render_family(family, *snapshot, labels, options, format), blocks_before);
    if (!blocks.empty()) rendered->families.emplace(family.name, std::move(blocks));
  }
  return rendered;
}

}  // namespace

std::vector<Chunk> Exposition::render(const Snapshot& snapshot, const LiveState& live,
                                      const std::vector<std::string>& only, ExpositionFormat format,
                                      bool gzip) {
  std::vector<std::shared_ptr<const RenderedRegistry>> registries;
  for (const auto& registry : snapshot.registries) {
    const std::lock_guard lock(cache_->mutex);  // Whoever comes second finds it done.
    auto& cached = cache_->registries[{registry->name, format}];
    const bool older = cached && cached->snapshot->version > registry->version;
    if (cached && cached->snapshot == registry) {
      registries.push_back(cached);
    } else {
      auto rendered = render_registry(registry, cached.get(), options_, format);
      if (!older) cached = rendered;
      registries.push_back(std::move(rendered));
    }
  }
  std::map<std::string, std::string> self;
  for (const auto& family : self_.collect(only)) self[family.name] = encode_self(family);
  std::map<std::string, double> process;
  if (only.empty()) process = read_process_metrics();

  Answer answer(gzip);
  for (const Family& family : families()) {
    const std::string name(family.name);
    const auto& disabled = options_.disabled;
    if (std::find(disabled.begin(), disabled.end(), name) != disabled.end()) continue;
    std::string own = render_live(family, live, snapshot, only) + self[name];
    if (const auto found = process.find(name); found != process.end()) {
      append_sample(own, name, {}, found->second);
    }
    const bool any = !own.empty() ||
                     std::any_of(registries.begin(), registries.end(), [&](const auto& registry) {
                       return registry->families.contains(family.name);
                     });
    if (!any) continue;
    std::string head;
    append_head(head, family.name, family.type, family.help, format);
    answer.add(head);
    for (const auto& registry : registries) {
      const auto found = registry->families.find(family.name);
      if (found == registry->families.end()) continue;
      for (const auto& block : found->second) answer.add(block);
    }
    answer.add(own);
  }
  if (format == ExpositionFormat::openmetrics) answer.add("# EOF\n");
  return answer.finish();
}

}  // namespace registry_exporter
