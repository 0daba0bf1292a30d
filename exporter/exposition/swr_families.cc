#include <algorithm>
#include <optional>
#include <set>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/row_lines.h"
#include "exporter/exposition/scrape_lines.h"

namespace registry_exporter::exposition {
namespace {

WriteRow deletions_recent(const Family& family, const SnapshotSource& source) {
  const auto frames = frames_by_window(family.name, source);
  return for_rows(family, source,
                  [frames](const RepositoryView& view, const EventCounters&, const LinePart& labels,
                           SampleWriter& writer) {
                    for (std::size_t i = 0; i < std::min(view.recent.size(), frames.size()); ++i) {
                      std::uint64_t all = 0;
                      for (const std::uint32_t count : view.recent[i].values) all += count;
                      writer.add(frames[i], labels, all);
                    }
                  });
}

WriteRow rule_info(const Family& family, const SnapshotSource& source) {
  return for_rows(
      family, source,
      [&family, format = source.format](const RepositoryView& view, const EventCounters&,
                                        const LinePart& labels, SampleWriter& writer) {
        std::set<Labels> shown;  // A list that names a rule twice makes one series.
        for (const RetentionRule& rule : view.rules) {
          Labels more{{"retention_id", rule.retention_id},
                      {"template", rule.rule_template},
                      {"keep", rule.keep}};
          const LineFrame frame = line_frame(format, family.name, more);
          if (shown.insert(std::move(more)).second) writer.add(frame, labels, std::uint64_t{1});
        }
      });
}

std::optional<Thousandths> last_deletion(const RepositoryView& view) {
  // An empty optional is less than any time.
  return seconds(*std::max_element(view.last_end.values.begin(), view.last_end.values.end()));
}

using View = RepositoryView;
using enum FamilyType;
using enum FamilyScope;
constexpr Family kFamilies[] = {
    {"swr_up", gauge, registry, "",
     "1 if the last API call to Huawei Cloud got a response and the credentials were accepted, "
     "else 0.",
     health_value<up>, nullptr, "swr"},
    {"swr_retention_deletions_total", counter, repository, "template",
     "Image tags deleted by retention rules (ListRetentionHistories; swr_ee: total minus retained "
     "of ListInstanceRetentionPolicyExecTasks), by template of the rule. Each deletion is counted "
     "once.",
     [](const Family& family, const SnapshotSource& source) {
       return events_by("template", family, source);
     },
     &kDeletions},
    {"swr_retention_deletions_recent", gauge, repository, "window",
     "Image tags deleted by retention rules within the window (created_at of "
     "ListRetentionHistories).",
     deletions_recent, &kDeletions},
    {"swr_last_retention_deletion_timestamp_seconds", gauge, repository, "",
     "Time of the last deletion by a retention rule, in seconds since 1970.",
     row_value<last_deletion>, &kDeletions},
    {"swr_repository_tags", gauge, repository, "",
     "Image tags in the repository (num_images of ListReposDetails; swr_ee: tag_count of "
     "ListInstanceRepositories).",
     row_value<[](const View& view) { return view.tags; }>, &kDeletions},
    {"swr_repository_size_bytes", gauge, repository, "",
     "Size of the repository in bytes (size of ListReposDetails).",
     row_value<[](const View& view) { return view.size_bytes; }>, &kDeletions},
    {"swr_repository_downloads", gauge, repository, "",
     "Downloads of the repository as counted by the cloud (num_download of ListReposDetails; "
     "swr_ee: pull_count of ListInstanceRepositories). Can decrease.",
     row_value<[](const View& view) { return view.downloads; }>, &kDeletions},
    {"swr_retention_rule_info", gauge, repository, "retention_id,template,keep",
     "Retention rules of the repository (ListRetentions). Always 1. Requires collect_rules.",
     rule_info, &kDeletions},
};

}  // namespace

std::span<const Family> swr_families() { return kFamilies; }

}  // namespace registry_exporter::exposition
