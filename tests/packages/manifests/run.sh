#!/bin/sh
# run.sh EXPORTER WORK_FOLDER: the shipped Kubernetes and compose files against their schemas, and each other.
# What it needs is installed into WORK_FOLDER. Without node or npm: prints SKIPPED and exits 77; with CI=true
# that is a failure.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exporter=$1 work=$2

. "$here/../../support/node_packages.sh"
node_packages "$here" "$work" "the schemas"
cp "$here/manifests_test.mjs" "$work/"
if command -v go >/dev/null; then
  "$here/../../helm/build.sh" "$work"
else
  rm -f "$work/helm_render"
fi
cd "$work" && ROOT=$(realpath "$here/../../..") EXPORTER="$exporter" exec node --test manifests_test.mjs
