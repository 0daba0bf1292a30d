#!/bin/sh
# files.sh BUILD TARGET VERSION DATE [EMULATOR]: what the package holds beside the program and its configuration.
set -eu
here=$(dirname "$0")
build=$1 target=$2 version=$3 date=$4 emulator=${5:-}

mkdir -p "$target"
"$here/man.py" "$(date -u -d "$date" +%F)" $emulator "$build/registry_exporter" |
  gzip -9n >"$target/registry_exporter.1.gz"
gzip -9nc "$here/changelog" >"$target/changelog.gz"
"$here/sbom.py" "$build" "$version" "$(date -u -d "$date" +%FT%TZ)" >"$target/sbom.cdx.json"
