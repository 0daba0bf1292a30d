#include "exporter/ingest/renames.h"

#include <algorithm>

#include "exporter/ingest/ledger_rules.h"

namespace registry_exporter::ingest {
namespace {

RepositoryKey key_of(const RepositoryRef& ref) { return {ref.repo_namespace, ref.name}; }

/// It may have had another list before, whose ids stay known.
void add_ids(Ledger& ledger, const Ledger& old) {
  std::vector<ClosedRecord> closed;
  for (ClosedRecord record : old.closed) {
    record.record_class = RecordClass::baseline;
    if (!is_known(ledger, record.key)) closed.push_back(record);
  }
  std::vector<OpenRecord> open;
  std::copy_if(old.open.begin(), old.open.end(), std::back_inserter(open),
               [&](const OpenRecord& record) { return !is_known(ledger, record.key); });
  ledger.known += closed.size() + open.size();
  ledger.present[static_cast<std::size_t>(RecordClass::baseline)] += closed.size();
  ledger.open.insert(ledger.open.end(), open.begin(), open.end());
  const auto middle = static_cast<std::ptrdiff_t>(ledger.closed.size());
  ledger.closed.insert(ledger.closed.end(), closed.begin(), closed.end());
  std::inplace_merge(ledger.closed.begin(), ledger.closed.begin() + middle, ledger.closed.end(),
                     [](const ClosedRecord& a, const ClosedRecord& b) { return a.key < b.key; });
}

/// Nobody follows a record twice.
void give_up_open(Ledger& ledger, const std::vector<OpenRecord>& taken) {
  ledger.known -= std::erase_if(ledger.open, [&](const OpenRecord& open) {
    return std::any_of(taken.begin(), taken.end(),
                       [&](const OpenRecord& each) { return each.key == open.key; });
  });
}

}  // namespace

Renames::Renames(const TrackedRegistry& registry, const Discovery& discovery) {
  std::map<Id, RepositoryKey> names;
  for (const ListedRepository& listed : discovery.repositories) {
    if (!listed.ref.cloud_id.empty()) names.emplace(id_of(listed.ref), key_of(listed.ref));
  }
  for (const auto& [key, list] : registry.lists) {
    const auto name = names.find(id_of(list->state.ref));
    if (name == names.end() || name->second == key.repository()) continue;
    origins_.insert_or_assign({key.kind, name->first}, Origin{list.get(), list->state.ledger});
  }
}

const TrackedList* Renames::origin_of(const StreamKind& kind, const RepositoryRef& listed) const {
  const auto origin = origins_.find({kind.number, id_of(listed)});
  return origin == origins_.end() ? nullptr : origin->second.list;
}

TrackedList& Renames::take_ids(const RepositoryRef& listed, TrackedList& to) const {
  const Origin& origin = origins_.at({to.kind().number, id_of(listed)});
  const Ledger& old = origin.ledger;
  give_up_open(origin.list->state.ledger, old.open);
  origin.list->mark_dirty();
  Ledger& ledger = to.state.ledger;
  add_ids(ledger, old);
  ledger.baseline_pending = old.baseline_pending;
  ledger.floor = std::max(ledger.floor, old.floor);
  ledger.read_whole = old.read_whole;
  ledger.unanchored = old.unanchored;
  ledger.order = old.order;
  ledger.history_before = old.history_before;
  ledger.last_build = old.last_build;
  ledger.last_end = old.last_end;
  to.pending.replaces_closed = true;
  return *origin.list;
}

}  // namespace registry_exporter::ingest
