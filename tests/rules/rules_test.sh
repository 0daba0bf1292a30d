#!/usr/bin/env bash
# Checks the shipped Prometheus configuration, its rules and their tests with promtool.
# Exit 77 (skipped) where promtool is missing, but 1 in continuous integration (CI=true).
set -euo pipefail
cd "$(dirname "$0")/../../config/prometheus"

if ! command -v promtool >/dev/null; then
  echo 'promtool is missing (Debian package prometheus)' >&2
  [ "${CI:-}" = true ] && exit 1
  exit 77
fi

promtool check config prometheus.yml
promtool check rules --lint=all --lint-fatal rules/*.yml
promtool test rules tests/*_test.yml

# Each alert has a paragraph in the runbook, and tests where it fires and where it must not.
failed=0
while read -r alert; do
  grep -qx "### $alert" ../../docs/operations.md ||
    { echo "docs/operations.md: no paragraph '### $alert'"; failed=1; }
  grep -q "runbook_url: docs/operations.md#${alert,,}\$" rules/*.yml ||
    { echo "$alert: its runbook_url does not lead to its paragraph"; failed=1; }
  grep -A1 "alertname: $alert\$" tests/*_test.yml | grep -q 'exp_alerts:$' ||
    { echo "$alert: no test where it fires"; failed=1; }
  grep -A1 "alertname: $alert\$" tests/*_test.yml | grep -q 'exp_alerts: \[\]' ||
    { echo "$alert: no test where it must not fire"; failed=1; }
done < <(sed -n "s/^ *- alert: //p" rules/*.yml)
exit $failed
