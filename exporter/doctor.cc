// Shell: calls the clouds and prints.
#include "exporter/doctor.h"

#include <algorithm>
#include <cstdio>

#include "exporter/acr/hosts.h"
#include "exporter/config/filter.h"
#include "exporter/config/shard.h"
#include "exporter/doctor_report.h"
#include "exporter/net/proxy.h"

namespace registry_exporter {
namespace {

/// Repositories whose first page is read.
constexpr std::size_t kSample = 3;
constexpr const char* kNoRecord = "00000000-0000-4000-8000-000000000000";

/// Remembers the last outcome of each operation.
class LastOutcomes final : public CallObserver {
 public:
  void call_finished(std::string_view, std::string_view operation, std::string_view outcome,
                     Millis) override {
    const MutexLock lock(mutex_);
    outcomes_[std::string(operation)] = outcome;
  }
  std::map<std::string, std::string> outcomes() const {
    const MutexLock lock(mutex_);
    return outcomes_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::string> outcomes_ GUARDED_BY(mutex_);
};

double pages_of(const Page& page, int size) {
  const auto rows = static_cast<double>(page.total.value_or(page.rows));
  return std::max(1.0, rows / std::max(1, page.page_size.value_or(size)));
}

/// What a sample of lists showed.
struct Sample {
  double pages = 0;
  std::size_t lists = 0;
  std::string record_id;  ///< Of some record, and whose it is.
  RepositoryRef owner;
};

/// Reads the lists of a few repositories, evenly spread over all.
void read_samples(Cloud& cloud, const StreamKind& kind, const std::vector<RepositoryRef>& matched,
                  Exam& exam, Sample& sample) {
  const std::size_t samples = std::min(kSample, matched.size());
  for (std::size_t i = 0; i < samples; ++i) {
    const RepositoryRef& repository = matched[i * matched.size() / samples];
    const int size = exam.registry.page_size;
    const Result<Page> page = cloud.list_records({&kind, repository}, {0, size});
    if (!page) {
      exam.failures.push_back(within(full_name(repository), page.error()).value());
      continue;
    }
    sample.pages += pages_of(*page, size);
    ++sample.lists;
    if (!kind.has_point_reads || !sample.record_id.empty() || page->records.empty()) continue;
    sample.record_id = page->records.front().id;
    sample.owner = repository;
  }
}

void read_feed(Cloud& cloud, const StreamKind& kind, Exam& exam) {
  ++exam.feeds;
  const int size = exam.registry.page_size;
  const Result<Page> page = cloud.list_records({&kind, {}}, {0, size});
  if (!page) {
    exam.failures.push_back(within(std::string(kind.name), page.error()).value());
    return;
  }
  exam.pages_of_feeds = exam.pages_of_feeds.value_or(0) + pages_of(*page, size);
}

/// A record that doesn't exist shows as well whether the operation is allowed.
void read_one_record(Cloud& cloud, const StreamKind& kind,
                     const std::vector<RepositoryRef>& matched, const Sample& sample, Exam& exam) {
  const bool made_up = sample.record_id.empty();
  const RepositoryRef& owner = made_up ? matched.front() : sample.owner;
  const Result<Record> record =
      cloud.read_record({&kind, owner}, made_up ? kNoRecord : sample.record_id);
  const bool absent = !record && (record.error().kind == ErrorKind::not_found ||
                                  record.error().kind == ErrorKind::bad_request);
  if (!record && !(made_up && absent)) exam.failures.push_back(record.error());
  exam.made_up_record = made_up && absent;
}

/// The lists of namespaces cost as those of the whole registry: they do not grow with the
/// repositories.
void read_lists_of_namespaces(Cloud& cloud, const StreamKind& kind,
                              const std::vector<RepositoryRef>& namespaces, Exam& exam) {
  Sample sample;
  read_samples(cloud, kind, namespaces, exam, sample);
  exam.feeds += namespaces.size();
  if (sample.lists == 0) return;
  const double pages_each = sample.pages / static_cast<double>(sample.lists);
  exam.pages_of_feeds =
      exam.pages_of_feeds.value_or(0) + pages_each * static_cast<double>(namespaces.size());
  if (sample.record_id.empty()) return;
  const Result<Record> record = cloud.read_record({&kind, sample.owner}, sample.record_id);
  if (!record) exam.failures.push_back(record.error());
}

void read_lists(Cloud& cloud, const std::vector<const StreamKind*>& kinds,
                const std::vector<RepositoryRef>& matched,
                const std::vector<RepositoryRef>& namespaces, Exam& exam) {
  Sample sample;
  for (const StreamKind* kind : kinds) {
    if (kind->feeds_shares()) {
      read_feed(cloud, *kind, exam);
      continue;
    }
    if (!kind->has_own_lists()) continue;
    if (kind->owner == OwnerType::repo_namespace) {
      read_lists_of_namespaces(cloud, *kind, namespaces, exam);
      continue;
    }
    ++exam.lists_each;
    read_samples(cloud, *kind, matched, exam, sample);
    if (kind->has_point_reads && !matched.empty()) {
      read_one_record(cloud, *kind, matched, sample, exam);
    }
  }
  if (sample.lists > 0) exam.pages_each = sample.pages / static_cast<double>(sample.lists);
  if (exam.registry.collects_rules() && !matched.empty()) {
    const auto rules = cloud.retention_rules(matched.front());
    if (!rules) exam.failures.push_back(rules.error());
  }
}

void examine(const CloudConnection& connection, const EngineOptions& options, Exam& exam) {
  Cloud& cloud = *connection.cloud;
  const Result<Discovery> discovery = cloud.discover({});
  if (!discovery) {
    exam.failures.push_back(discovery.error());
    return;
  }
  const config::RepositoryFilter filter(exam.registry.repositories);
  std::vector<RepositoryRef> matched;
  std::vector<RepositoryRef> namespaces;
  for (const ListedRepository& listed : discovery->repositories) {
    const OwnerType owner = owner_type(listed.ref);
    const std::string name = full_name(listed.ref);
    const bool ours = config::shard_of(exam.registry.name, exam.registry.sharded_by(name),
                                       options.total_shards) == options.shard;
    if (owner == OwnerType::repo_namespace && ours) namespaces.push_back(listed.ref);
    if (owner != OwnerType::repository) continue;
    ++exam.found;
    if (ours && filter.matches(name)) matched.push_back(listed.ref);
  }
  exam.project_id = discovery->project_id;
  if (discovery->part_failed) exam.failures.push_back(*discovery->part_failed);
  exam.matched = matched.size();
  exam.denied_namespaces = discovery->denied_namespaces;
  read_lists(cloud, connection.kinds, matched, namespaces, exam);
  // How it went shows among the permissions; nothing is wrong where it may not be read.
  const bool asks = cloud.has_notices() && exam.matched >= options.notices_from;
  if (asks) (void)cloud.list_notices({0, exam.registry.page_size});
}

}  // namespace

bool run_doctor(Runtime runtime, const config::Config& config, const EngineOptions& options,
                const CloudFactory& connect) {
  std::size_t ill = 0;
  std::size_t acr_repositories = 0;
  std::size_t swr_repositories = 0;
  for (config::RegistryConfig registry : config.registries) {
    registry.requests_per_second /= options.total_shards;
    registry.shards = options.total_shards;
    Exam exam;
    exam.registry = registry;
    exam.collection = config.collection;
    exam.proxy = proxy_host(
        net::proxy_for(registry.endpoint, {registry.proxy_url, config::environment_variable}).url);
    if (registry.is_acr()) exam.notes = acr::host_notes(registry, config::environment_variable);
    LastOutcomes observer;
    const auto connection = connect(registry, config.metrics, runtime, observer);
    if (connection) {
      examine(*connection, options, exam);
      exam.health = connection->cloud->health();
    } else {
      exam.failures.push_back(connection.error());
    }
    exam.outcomes = observer.outcomes();
    const Diagnosis diagnosis = diagnose(exam);
    ill += diagnosis.is_well ? 0U : 1U;
    (registry.is_acr() ? acr_repositories : swr_repositories) += exam.matched;
    std::printf("%s\n", diagnosis.text.c_str());
    std::fflush(stdout);
  }
  const std::string note = note_on_size(acr_repositories, swr_repositories);
  if (!note.empty()) std::printf("%s\n\n", note.c_str());
  if (ill == 0) {
    std::puts("All is well.");
  } else {
    std::printf("%zu of %zu registries need%s a change.\n", ill, config.registries.size(),
                ill == 1 ? "s" : "");
  }
  std::fflush(stdout);
  return ill == 0;
}

}  // namespace registry_exporter
