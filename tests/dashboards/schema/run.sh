#!/bin/sh
# Checks the dashboards against Grafana's own types.
#   run.sh [WORK_FOLDER]
# The packages are installed into WORK_FOLDER (default: build/dashboards_schema), never into the source.
# Without node or npm: prints SKIPPED and exits 77; with CI=true that is a failure.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=${1:-$here/../../../build/dashboards_schema}

. "$here/../../support/node_packages.sh"
node_packages "$here" "$work" "Grafana's types"
exec node "$here/check.mjs" "$work" "$here"/../../../grafana/dashboards/*.json
