// What scrapers send, what users write, what lies on the disk, and what we show.
#include <zlib.h>

#include <cmath>

#include "exporter/base/duration.h"
#include "exporter/config/config.h"
#include "exporter/exposition/catalog.h"
#include "exporter/exposition/exposition.h"
#include "exporter/exposition/lines.h"
#include "exporter/exposition/protobuf_writer.h"
#include "exporter/exposition/render.h"
#include "exporter/store/state_codec.h"
#include "exporter/web/http_head.h"
#include "exporter/web/negotiation.h"
#include "exporter/web/request_target.h"
#include "exporter/web/web_config.h"
#include "tests/exposition/decoded_protobuf.h"
#include "tests/exposition/parsed_exposition.h"
#include "tests/exposition/sample_snapshot.h"
#include "tests/fuzz/target.h"

namespace registry_exporter::fuzz {
namespace {

void check_problems(const std::vector<config::ConfigProblem>& problems) {
  law(!problems.empty(), "refused for no reason");
  for (const config::ConfigProblem& problem : problems) law(!problem.message.empty(), "no words");
}

void configuration(std::string_view input) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SECRET") return "s3cret";
    return std::nullopt;
  };
  const auto known = [](const std::string& family) { return family.starts_with("acr_"); };
  const auto config = config::parse_config(std::string(input), environment, known);
  if (!config) return check_problems(config.error());
  law(!config->registries.empty(), "no registry");
  for (const config::RegistryConfig& registry : config->registries) {
    law(registry.requests_per_second > 0 && std::isfinite(registry.requests_per_second), "a rate");
    law(registry.page_size >= 1 && registry.concurrency >= 1, "a size");
  }
}

void web_configuration(std::string_view input) {
  const auto config = web::parse_web_config(std::string(input), "/etc");
  if (!config) return check_problems(config.error());
  for (const auto& [name, hash] : config->users) law(web::bcrypt_cost(hash).has_value(), "no hash");
}

void durations(std::string_view input) {
  if (const auto duration = parse_duration(input)) law(duration->count() >= 0, "negative");
}

/// However the bytes of a head arrive, they are understood in one way.
void request_head(std::string_view input) {
  const web::HeadEnd whole = web::find_head_end(input, 0);
  web::HeadEnd piecewise;
  for (std::size_t size = 1; size <= input.size() && piecewise.scan == web::HeadScan::incomplete;
       ++size) {
    piecewise = web::find_head_end(input.substr(0, size), piecewise.bytes);
  }
  if (!input.empty()) law(whole.scan == piecewise.scan, "pieces are read otherwise");
  if (whole.scan != web::HeadScan::complete) return;
  law(whole.bytes == piecewise.bytes, "pieces end elsewhere");
  const auto head = web::parse_request_head(input.substr(0, whole.bytes));
  if (const auto* refused = std::get_if<web::RefusedHead>(&head)) {
    law(refused->status >= 400 && refused->status < 600, "a refusal that is none");
  }
}

void targets_of_requests(std::string_view input) {
  const auto target = web::parse_request_target(input);
  if (target) law(target->path == "*" || target->path.starts_with('/'), "no path");
}

void negotiation(std::string_view input) {
  const ExpositionFormat format = web::negotiate_format(input);
  const bool names_it = input.find("penmetrics") != std::string_view::npos ||
                        input.find("PENMETRICS") != std::string_view::npos;
  if (input.find_first_of("=;") == std::string_view::npos && !names_it && input.size() < 10) {
    law(format == ExpositionFormat::text, "nobody asked for OpenMetrics");
  }
  law(format != ExpositionFormat::protobuf ||
          input.find("io.prometheus.client.MetricFamily") != std::string_view::npos,
      "nobody asked for protobuf");
  law(!web::names_escaping(input) || input.size() > std::string_view(";escaping=").size(),
      "nobody asked how names are escaped");
  (void)web::accepts_gzip(input);
}

/// Any bytes as text in UTF-8: what the codecs let through.
std::string as_utf8(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x80) {
      text.push_back(byte);
    } else {
      text.push_back(static_cast<char>(0xC0U | (value >> 6U)));
      text.push_back(static_cast<char>(0x80U | (value & 0x3FU)));
    }
  }
  return text;
}

constexpr std::string_view kBuildsTotal = "acr_builds_total";

/// Two families of one registry: its builds, and `other`.
std::string shown(const RegistrySnapshot& registry, const exposition::Family& other,
                  ExpositionFormat format) {
  const std::vector<exposition::RowLabels> labels = exposition::make_row_labels(registry, format);
  const exposition::ExpositionOptions options = sample::options();
  const exposition::SnapshotSource source{registry, labels, options, format};
  std::string text;
  for (const exposition::Family& family : exposition::families()) {
    if (family.name != kBuildsTotal && family.name != other.name) continue;
    if (!concerns(family, registry)) continue;
    exposition::Lines lines(family, source);
    lines.render_rows(registry.rows.size());
    std::string body;
    for (const auto& block : lines.finish().blocks) body += block->text();
    if (body.empty()) continue;
    text += format == ExpositionFormat::protobuf ? exposition::protobuf_head(family, body.size())
                                                 : head(family, format);
    text += body;
  }
  return format == ExpositionFormat::openmetrics ? text + "# EOF\n" : text;
}

/// The same names and numbers in protobuf, as another decoder reads them.
void protobuf_is_read(const RegistrySnapshot& registry, const exposition::Family& other,
                      std::string_view name, std::uint64_t counts) {
  const std::string stream = shown(registry, other, ExpositionFormat::protobuf);
  bool found = false;
  for (const auto& family : sample::decode_families(stream)) {
    for (const auto& metric : family.metrics) {
      const auto repo = metric.labels.find("repo");
      if (repo != metric.labels.end()) law(repo->second == name, "another name in protobuf");
      if (family.name != kBuildsTotal || metric.labels.at("status") != "success") continue;
      found = true;
      law(metric.value == static_cast<double>(counts), "another number in protobuf");
    }
  }
  law(found, "not shown in protobuf");
}

/// A number (two bytes), format and family, then names: they are shown so that another parser reads
/// the same names.
void exposition(std::string_view input) {
  Parts parts(input);
  const auto counts = std::uint64_t{parts.byte()} << (parts.byte() % 56);
  const std::uint8_t choice = parts.byte();
  const bool openmetrics = choice % 2 == 1;
  const exposition::Family& other =
      exposition::families()[choice / 2U % exposition::families().size()];
  std::string name_space = as_utf8(parts.line());
  std::string name = as_utf8(parts.rest());
  // Repositories have both: what has not is a namespace or a policy.
  if (name_space.empty()) name_space = "-";
  if (name.empty()) name = "-";
  EventCounters counters;
  counters.events[Outcome::success] = counts;
  const auto registry =
      sample::registry("r", kBuilds, {sample::shown(sample::view(name_space, name), counters)});
  const std::string text =
      shown(*registry, other, openmetrics ? ExpositionFormat::openmetrics : ExpositionFormat::text);
  bool found = false;
  for (const auto& family : sample::ExpositionParser(text, openmetrics).parse()) {
    for (const auto& each : family.samples) {
      const auto repo = each.labels.find("repo");
      if (repo == each.labels.end()) continue;
      law(repo->second == name, "another name");
      law(each.labels.at("repo_namespace") == name_space, "another namespace");
      if (each.name != kBuildsTotal || each.labels.at("status") != "success") continue;
      found = true;
      law(std::stod(each.value) == static_cast<double>(counts), "another number");
    }
  }
  law(found, "not shown");
  protobuf_is_read(*registry, other, name, counts);
}

/// `input` as the body of a blob with the right checksum, so that the fuzzer gets behind it.
std::string sealed(std::uint8_t kind, std::string_view input) {
  std::string where(17, '\0');
  where[0] = static_cast<char>(kind);
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const Bytef*>(text.data());
  };
  const uLong start = crc32_z(0, bytes(where), where.size());
  const auto sum = static_cast<std::uint32_t>(crc32_z(start, bytes(input), input.size()));
  std::string blob(input);
  for (int shift = 0; shift < 32; shift += 8) blob.push_back(static_cast<char>(sum >> shift));
  return blob;
}

/// Decoding what encoding made of it gives the same again.
template <class Decode, class Encode>
void comes_back(std::uint8_t kind, std::string_view input, Decode decode, Encode encode) {
  (void)decode(input);
  const auto value = decode(sealed(kind, input));
  if (!value) return;
  const std::string blob = encode(*value);
  const auto again = decode(blob);
  law(again.has_value(), "our own blob is refused");
  law(encode(*again) == blob, "it does not come back");
}

void state(std::string_view input) {
  comes_back(
      0, input, [](std::string_view blob) { return store::decode_head(blob); },
      [](const store::StateHead& head) { return store::encode_head(head); });
  comes_back(
      1, input, [](std::string_view blob) { return store::decode_registry(blob); },
      [](const RegistryState& registry) { return store::encode_registry(registry); });
  comes_back(
      2, input, [](std::string_view blob) { return store::decode_repository(blob); },
      [](const RepositoryState& repository) { return store::encode_repository(repository); });
  comes_back(
      3, input, [](std::string_view blob) { return store::decode_closed(blob); },
      [](const std::vector<ClosedRecord>& closed) { return store::encode_closed(closed); });
}

constexpr Target kTargets[] = {
    {"configuration", configuration}, {"web_configuration", web_configuration},
    {"durations", durations},         {"request_head", request_head},
    {"targets", targets_of_requests}, {"negotiation", negotiation},
    {"exposition", exposition},       {"state", state},
};

}  // namespace

std::span<const Target> local_targets() { return kTargets; }

std::vector<Target> targets() {
  std::vector<Target> all(cloud_targets().begin(), cloud_targets().end());
  all.insert(all.end(), local_targets().begin(), local_targets().end());
  all.insert(all.end(), native_targets().begin(), native_targets().end());
  return all;
}

}  // namespace registry_exporter::fuzz
