#!/bin/sh
# twice.sh: builds the committed source in two folders, without a cache; the two packages must be equal,
# bit for bit.
set -eu
cd "$(dirname "$0")/.."
commit=$(git rev-parse HEAD)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for each in one another/and/deeper; do
  mkdir -p "$folder/$each"
  git archive "$commit" | tar -C "$folder/$each" -x
  cmake -S "$folder/$each" --preset release -DCMAKE_CXX_COMPILER_LAUNCHER= -DBUILD_TESTING=OFF -DREVISION="$commit" >&2
  nice ninja -C "$folder/$each/build" package_files >&2
  "$folder/$each/packaging/package.sh" "$folder/$each/build"
done
cmp "$folder/one/build/registry_exporter" "$folder/another/and/deeper/build/registry_exporter"
cmp "$folder"/one/build/*.deb "$folder"/another/and/deeper/build/*.deb
sha256sum "$folder"/one/build/*.deb | sed "s|$folder/||"
