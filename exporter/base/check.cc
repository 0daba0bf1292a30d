#include "exporter/base/check.h"

#include <cstdio>
#include <cstdlib>

#include "exporter/base/last_words.h"

namespace registry_exporter {

void check_failed(const char* rule, const char* file, int line) {
  limit_last_words();
  std::fprintf(stderr, "registry_exporter: %s:%d: broken rule: %s; exiting, restart it\n", file,
               line, rule);
  std::abort();
}

}  // namespace registry_exporter
