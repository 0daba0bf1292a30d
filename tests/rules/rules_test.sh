#!/usr/bin/env bash
# Checks the shipped Prometheus configuration, its rules and their tests with promtool.
# Exit 77 (skipped) where promtool is missing, but 1 in continuous integration (CI=true).
set -euo pipefail
export LC_ALL=C.UTF-8  # In Turkish I has no i.
here=$(cd "$(dirname "$0")" && pwd)
rules=$here/../../config/prometheus/rules

if ! command -v promtool >/dev/null; then
  echo 'promtool is missing (Debian package prometheus)' >&2
  [ "${CI:-}" = true ] && exit 1
  exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for kind in builds retention; do
  python3 "$here/long_pasts.py" "$rules" "$kind" >"$work/long_${kind}_test.yml"
done
promtool test rules "$here"/*_test.yml "$work"/*_test.yml

cd "$rules/.."
promtool check config prometheus.yml
if command -v amtool >/dev/null; then
  amtool check-config alertmanager.yml
  amtool config routes test --config.file alertmanager.yml --verify.receivers=on_call severity=critical
  amtool config routes test --config.file alertmanager.yml --verify.receivers=everybody severity=warning
fi
promtool check rules --lint=all --lint-fatal rules/*.yml

# Each alert has a paragraph in the runbook, and tests where it fires and where it must not.
failed=0
say() { echo "$1"; failed=1; }
while read -r alert; do
  grep -qx "### $alert" ../../docs/operations.md || say "docs/operations.md: no paragraph '### $alert'"
  grep -q "runbook_url: https://[^ ]*/docs/operations.md#${alert,,}\$" rules/alerts.yml ||
    say "$alert: its runbook_url does not lead to its paragraph"
  cat ../../tests/rules/*_test.yml "$work"/*_test.yml | python3 -c '
import json, re, sys
alert, text = sys.argv[1], sys.stdin.read()
fires = re.search(rf"alertname: {alert}\n *exp_alerts:( &\w+)?\n", text)
fires_far = re.search(rf"ALERTS.*{alert}.*\n.*\n *\"exp_samples\": \[\n", text)
quiet = re.search(rf"alertname: {alert}\n *exp_alerts: \[\]", text)
quiet_far = re.search(rf"ALERTS.*{alert}.*\n.*\n *\"exp_samples\": \[\]", text)
sys.exit((0 if fires or fires_far else 1) + (0 if quiet or quiet_far else 2))' "$alert" ||
    say "$alert: it lacks a test where it fires, or one where it must not"
  grep -A6 "alertname: $alert\$" ./../../tests/rules/*_test.yml | grep 'summary:' >/dev/null ||
    say "$alert: no test of its words"
done < <(sed -n "s/^ *- alert: //p" rules/alerts.yml | sort -u)

# Each threshold is used, and each one used is there.
diff <(sed -n 's/.*labels: {name: \([a-z_]*\)}.*/\1/p' rules/thresholds.yml | sort) \
  <(grep -o 'threshold{name="[a-z_]*"' rules/alerts.yml | sed 's/.*"\(.*\)"/\1/' | sort -u) ||
  say 'thresholds.yml and alerts.yml do not agree'
exit $failed
