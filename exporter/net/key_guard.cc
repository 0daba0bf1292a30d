#include "exporter/net/key_guard.h"

namespace registry_exporter::net {

KeyGuard::Answer KeyGuard::admit(SteadyTime now) {
  if (keys_ == Keys::good) return {Admission::go, {era_, false}};
  if (keys_ == Keys::unproven && probe_out_) return {Admission::wait, {}};
  if (keys_ == Keys::bad && (probe_out_ || now < next_probe_)) return {Admission::refused, {}};
  probe_out_ = true;
  return {Admission::go, {era_, true}};
}

void KeyGuard::give_back(const Ticket& ticket) {
  if (is_valid(ticket) && ticket.is_probe) probe_out_ = false;
}

void KeyGuard::report(const Ticket& ticket, Verdict verdict, SteadyTime now) {
  if (!is_valid(ticket)) return;
  give_back(ticket);
  if (verdict == Verdict::again) return;
  if (verdict == Verdict::accepted) keys_ = Keys::good;
  if (verdict == Verdict::refused) {
    keys_ = Keys::bad;
    ++era_;
  }
  next_probe_ = now + probe_interval_;
}

void KeyGuard::renewed() {
  keys_ = Keys::unproven;
  probe_out_ = false;
  ++era_;
}

}  // namespace registry_exporter::net
