#include "exporter/net/key_guard.h"

namespace registry_exporter {

KeyGuard::Admission KeyGuard::admit(SteadyTime now) {
  if (keys_ == Keys::good) return Admission::go;
  if (keys_ == Keys::unproven && probe_out_) return Admission::wait;
  if (keys_ == Keys::bad && (probe_out_ || now < *next_probe_)) return Admission::refused;
  probe_out_ = true;
  return Admission::go;
}

void KeyGuard::report(Verdict verdict, SteadyTime now) {
  switch (verdict) {
    case Verdict::accepted:
      keys_ = Keys::good;
      next_probe_.reset();
      break;
    case Verdict::refused:
      keys_ = Keys::bad;
      next_probe_ = now + probe_interval_;
      break;
    case Verdict::unknown:
      if (keys_ == Keys::bad) next_probe_ = now + probe_interval_;
      break;
  }
  probe_out_ = false;
}

void KeyGuard::renewed() {
  keys_ = Keys::unproven;
  probe_out_ = false;
  next_probe_.reset();
}

}  // namespace registry_exporter
