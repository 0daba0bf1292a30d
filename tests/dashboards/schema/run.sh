#!/bin/sh
# Checks the dashboards against Grafana's own types.
#   run.sh [WORK_FOLDER]
# The packages are installed into WORK_FOLDER (default: build/dashboards_schema), never into the source.
# Without node or npm: prints SKIPPED and exits 77; with CI=true that is a failure.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=${1:-$here/../../../build/dashboards_schema}

skip() {
  echo "SKIPPED: $1"
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 77
}
command -v node >/dev/null || skip "node is not installed"
command -v npm >/dev/null || skip "npm is not installed"

mkdir -p "$work"
if ! cmp -s "$here/package-lock.json" "$work/package-lock.json" || [ ! -d "$work/node_modules" ]; then
  cp "$here/package.json" "$here/package-lock.json" "$work/"
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1) || {
    cat "$work/npm.log"
    rm -rf "$work/node_modules" "$work/package-lock.json"
    skip "Grafana's types could not be installed"
  }
fi
exec node "$here/check.mjs" "$work" "$here"/../../../grafana/dashboards/*.json
