#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "exporter/model/snapshot.h"
#include "exporter/model/stream_kind.h"

/// A metric family as one value: what it is called, what it means and how it is rendered. Pure.
namespace registry_exporter::exposition {

enum class FamilyType { counter, gauge, histogram };
std::string_view name(FamilyType type);

/// What a family has series for.
enum class FamilyScope { repository, repo_namespace, policy, registry, process };

/// The cloud's own, of something that has series for itself.
constexpr bool is_of_owner(FamilyScope scope) { return scope < FamilyScope::registry; }

struct Family;
struct SnapshotSource;
struct ScrapeSource;
class LinePart;
class SampleWriter;

/// Writes the series of one row, whose labels are given. Reads of the snapshot nothing but the row
/// and the kinds: a row that has not changed is not written again.
using WriteRow = std::function<void(const RepositoryRow&, const LinePart&, SampleWriter&)>;
/// Prepares what all rows of a registry's snapshot have in common; empty: no row has series. Called
/// once for each snapshot and format, as is RenderRegistry: scrapes share the lines.
using RenderRows = WriteRow (*)(const Family&, const SnapshotSource&);
/// Writes the series that a registry's snapshot has for the registry itself.
using RenderRegistry = void (*)(const Family&, const SnapshotSource&, SampleWriter&);
/// Writes the series that are true at the moment of a scrape. Called for each scrape.
using RenderScrape = void (*)(const Family&, const ScrapeSource&, SampleWriter&);

struct Family {
  std::string_view name;  ///< As in the text format: counters end in _total.
  FamilyType type = FamilyType::gauge;
  FamilyScope scope = FamilyScope::process;
  std::string_view labels;  ///< Besides registry and those of the scope; comma-separated.
  std::string_view help;    ///< What it is, its unit, and the field of the cloud's API it is from.
  std::variant<RenderRows, RenderRegistry, RenderScrape> render{};
  const StreamKind* kind = nullptr;     ///< Set: only registries that collect it have the family.
  std::string_view registry_type = {};  ///< Set: only registries whose type begins with it have it.
  bool of_spans = false;                ///< Only registries whose records have durations have it.
};

/// The text of HELP. For families of owners it says when their values change.
std::string help_of(const Family& family);
/// "seconds" or "bytes" if the name says so ("cpu_seconds_total" too), else empty.
std::string_view unit_of(const Family& family);

}  // namespace registry_exporter::exposition
