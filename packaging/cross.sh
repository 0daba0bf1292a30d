#!/bin/sh
# cross.sh COMMAND…: runs it here, as a Debian of this machine's release sees it that cross-builds for arm64.
# That Debian is a tree of its own, build-arm64/root: on the machine itself a second architecture would be in
# all that apt does from then on, and libraries of both have to have the same version. Needs root.
set -eu
cd "$(dirname "$0")/.."
root=$PWD/build-arm64/root

TOOLS=g++-aarch64-linux-gnu,cmake,ninja-build,ccache,pkg-config,python3,dpkg-dev,file,qemu-user-static
TEST_LIBRARIES="doctest-dev libbenchmark-dev libcpp-httplib-dev prometheus-cpp-dev"

make_root() {
  echo "==> installing a Debian that cross-builds in $root" >&2
  sources=/etc/apt/sources.list.d/debian.sources
  [ -e "$sources" ] || sources=/etc/apt/sources.list
  libraries=$(printf ',%s:arm64' $(cat packaging/libraries) $TEST_LIBRARIES)
  set -- $(find /etc/apt/apt.conf.d -name '99*' | sed 's/^/--aptopt=/')
  rm -rf "$root.new"
  mkdir -p "$root.new"
  mmdebstrap --quiet --variant=minbase --architectures=amd64,arm64 --include="$TOOLS$libraries" "$@" \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root.new" "$sources"
  cp /etc/hosts "$root.new/etc/hosts"
  mv "$root.new" "$root"
}

[ -d "$root" ] || make_root
mkdir -p "$root$PWD"
exec unshare --mount --propagation private sh -euc '
  root=$1 here=$2
  shift 2
  mount --bind "$here" "$root$here"
  mount --bind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  exec chroot "$root" env -i --chdir="$here" HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
' sh "$root" "$PWD" "$@"
