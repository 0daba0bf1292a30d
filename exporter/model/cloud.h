#pragma once

#include <functional>
#include <string>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/model/notice.h"
#include "exporter/model/record.h"
#include "exporter/model/repository.h"
#include "exporter/model/stream_kind.h"

namespace registry_exporter {

/// Which list of the cloud: that of a repository, or, for a feed, of all of them (`of` is empty).
struct ListRef {
  const StreamKind* kind = &kBuilds;
  RepositoryRef of;
};

/// Which part of a list to read: rows [index·size, (index+1)·size).
struct PageRequest {
  int index = 0;  ///< Zero-based.
  int size = 100;
};

/// How a registry's cloud is doing, as of now.
struct CloudHealth {
  bool up = false;  ///< The newest call that could tell was answered and accepted the credentials.
  double requests_per_second = 0;  ///< The rate in force.
  std::optional<UnixMillis> credentials_expire_at;
  std::string credentials_source;  ///< Where they come from, in words; "" before there were any.
  std::optional<Millis> clock_offset;  ///< Server minus local; nullopt before any answer.
};

/// Hears of repositories that a discovery has found so far: incomplete, each told once.
using PartFound = std::function<void(const Discovery& part)>;

/// What one registry's cloud is asked by ingestion. Implementations sign, pace, retry and meter;
/// they are thread-safe, and every call ends by its own deadline.
/// Errors: the cloud kinds of ErrorKind, or canceled.
class Cloud {
 public:
  virtual ~Cloud() = default;
  /// All repositories. An error only if nothing could be listed. `part_found` hears of them page by
  /// page, before the whole list is there.
  virtual Result<Discovery> discover(const PartFound& part_found) = 0;
  virtual Result<Page> list_records(const ListRef& list, const PageRequest& page) = 0;
  /// Reads one record by its id. not_found: the cloud doesn't know it (any more).
  /// bad_request where the cloud has no such operation.
  virtual Result<Record> read_record(const ListRef& list, const std::string& id) = 0;
  /// The same of a record whose list, read just now, showed that it has ended and needs details.
  virtual Result<Record> read_details(const ListRef& list, const Record& listed) {
    return read_record(list, listed.id);
  }
  /// swr with `collect_rules`; empty elsewhere.
  virtual Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef& repository) = 0;
  /// What the cloud tells by itself of repositories in which something was finished.
  virtual bool has_notices() const { return false; }
  /// bad_request where the cloud has no such list.
  virtual Result<NoticePage> list_notices(const PageRequest& /*page*/) {
    return fail(ErrorKind::bad_request, "this cloud has no list of notices");
  }
  /// swr, where the configuration leaves the project out: what is known is of this one, no other is
  /// to be read. Called before any call.
  virtual void keep_to_project(const std::string& /*project_id*/) {}
  /// Ends the calls under way and refuses new ones (canceled): we are stopping.
  virtual void abort() = 0;
  virtual CloudHealth health() const = 0;
};

}  // namespace registry_exporter
