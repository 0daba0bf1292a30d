#pragma once

#include "exporter/base/clock.h"
#include "exporter/base/entropy.h"
#include "exporter/base/threads.h"

namespace registry_exporter {

/// Everything impure that the code below `app` may use besides calls and state: passed in, so that
/// a simulation can run the whole exporter on its own time, dice and threads.
struct Runtime {
  Clock& clock;
  Threads& threads;
  Entropy& entropy;
};

/// The real one; lives as long as the process.
Runtime system_runtime();

}  // namespace registry_exporter
