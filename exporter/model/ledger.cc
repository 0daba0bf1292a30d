#include "exporter/model/ledger.h"

namespace registry_exporter {

std::string_view name(RecordClass record_class) {
  switch (record_class) {
    case RecordClass::baseline:
      return "baseline";
    case RecordClass::counted:
      return "counted";
    case RecordClass::late:
      return "late";
    case RecordClass::vanished:
      return "vanished";
  }
  return "counted";
}

}  // namespace registry_exporter
