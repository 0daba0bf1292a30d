#!/bin/sh
# run.sh EXPORTER WORK_FOLDER: the shipped Kubernetes and compose files against their schemas, and each other.
# What it needs is installed into WORK_FOLDER. Without node or npm: prints SKIPPED and exits 77; with CI=true
# that is a failure.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exporter=$1 work=$2

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
  (cd "$work" && npm ci --no-audit --no-fund --loglevel=error >npm.log 2>&1) || {
    cat "$work/npm.log"
    rm -rf "$work/node_modules" "$work/package-lock.json"
    skip "the schemas could not be installed"
  }
fi
cp "$here/manifests_test.mjs" "$work/"
if command -v go >/dev/null; then
  "$here/../../helm/build.sh" "$work"
else
  rm -f "$work/helm_render"
fi
cd "$work" && ROOT=$(realpath "$here/../../..") EXPORTER="$exporter" exec node --test manifests_test.mjs
