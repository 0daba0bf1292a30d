#!/bin/sh
# render.sh [FOLDER [CONFIG]]: the rules and dashboards as files, where they are shipped or below FOLDER. CONFIG is jsonnet
# that goes over _config: '{ teamLabel: "squad" }'.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=${1:-$here/../..} config=${2:-{\}}

# Not every jsonnet makes folders itself.
mkdir -p "$folder/config/prometheus/rules" "$folder/config/kubernetes" "$folder/grafana/dashboards"
jsonnet --string --multi "$folder" --tla-code config="$config" "$here/shipped_rules.jsonnet" >/dev/null
jsonnet --multi "$folder" --tla-code config="$config" "$here/shipped_dashboards.jsonnet" >/dev/null

# A chart stands alone: some of its tools follow no links.
chart=$folder/config/helm/registry-exporter/files
rm -rf "$chart"
mkdir -p "$chart/rules" "$chart/dashboards"
cp "$folder"/config/prometheus/rules/*.yml "$chart/rules/"
cp "$folder"/grafana/dashboards/*.json "$chart/dashboards/"
