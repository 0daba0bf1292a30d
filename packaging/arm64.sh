#!/bin/sh
# arm64.sh package: build-arm64/registry-exporter_VERSION_arm64.deb.
# arm64.sh test: unit tests in an emulator, then the exporter in it against the simulator of this machine. Needs root.
set -eu
cd "$(dirname "$0")/.."

# What can't be seen in an emulator: it answers for /proc/self/stat itself, and tells of no thread and no memory.
LEFT_OUT="exposition: the process' own figures are plausible"

build() {
  packaging/cross.sh cmake --preset arm64 \
    -DREVISION="$(git describe --always --dirty --abbrev=12 --exclude='*')" >/dev/null
  packaging/cross.sh ninja -C build-arm64 "$@" >&2
}

unit_tests() {
  failed=
  for each in base model config net cloud acr swr swr_ee ingest store exposition web simulator outside fuzz; do
    echo "==> ${each}_tests" >&2
    packaging/cross.sh qemu-aarch64-static "build-arm64/${each}_tests" -tce="$LEFT_OUT" || failed="$failed $each"
  done
  [ -z "$failed" ] || echo "==> failed:$failed" >&2
  [ -z "$failed" ]
}

# It looks for libraries in the tree first; all other files are this machine's.
emulated() {
  cat <<TXT
#!/bin/sh
exec $PWD/build-arm64/root/usr/bin/qemu-aarch64-static -L $PWD/build-arm64/root \\
  $PWD/build-arm64/registry_exporter "\$@"
TXT
}

case $1 in
  package)
    build package_files
    exec packaging/cross.sh dpkg-architecture -aarm64 -c packaging/package.sh build-arm64
    ;;
  test)
    build unit_tests registry_exporter
    unit_tests
    emulated >build-arm64/emulated
    chmod +x build-arm64/emulated
    cd tests/e2e
    EXPORTER=$OLDPWD/build-arm64/emulated BUILD=$OLDPWD/build exec python3 -m unittest -v counting_test chaos_test
    ;;
esac
