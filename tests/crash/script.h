#pragma once

#include <map>
#include <string>
#include <vector>

#include "exporter/store/state_store.h"
#include "tests/crash/disk.h"
#include "tests/crash/recording_vfs.h"

namespace registry_exporter {

/// What a state must hold: its own reading of what commits mean, kept beside the real store.
class Model {
 public:
  Model() = default;
  explicit Model(const store::LoadedState& loaded);
  void apply(const store::StateChanges& changes);
  /// Equal texts: equal states.
  std::string text() const;

 private:
  std::map<store::RegistryNumber, RegistryState> registries_;
  std::map<store::RepositoryNumber, store::StoredRepository> repositories_;
};

/// The next commit of a seeded run: some repositories, appended or replaced records, and now and
/// then a blob that needs pages of its own.
store::StateChanges some_changes(store::Dice& dice);

/// Where a run was when something happened.
struct Progress {
  bool started = false;          ///< What was found is shown.
  std::size_t acknowledged = 0;  ///< Commits that returned success.
  std::size_t begun = 0;         ///< The same, or one more while a commit is under way.
};

struct RecordedEvent {
  DiskEvent event;
  Progress progress;
};

/// A run of the real store, as its disk saw it.
struct Recording {
  std::vector<RecordedEvent> events;
  std::vector<std::string> states;  ///< The state after so many commits.
};

/// Starts on what lies at `recorder.path`, commits, and now and then restarts in between.
/// Errors of a commit are answered by trying again, as the committer does; `error` says what
/// should not have happened.
Recording run_script(Recorder& recorder, std::uint64_t seed, int commits, std::string& error);

inline const UnixMillis kStart{Millis{1'767'323'045'000}};

}  // namespace registry_exporter
