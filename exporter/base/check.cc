#include "exporter/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace registry_exporter {

void check_failed(const char* rule, const char* file, int line) {
  std::fprintf(stderr, "registry_exporter: %s:%d: broken rule: %s; exiting, restart it\n", file,
               line, rule);
  std::abort();
}

}  // namespace registry_exporter
