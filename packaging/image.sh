#!/bin/sh
# image.sh [ARCHITECTURE]: builds the Dockerfile as it is, for this machine or for another architecture, and tries the
# image: build/image/registry_exporter_VERSION_ARCHITECTURE.tar. Its base image is made of Debian's packages, so no
# registry is asked. All is kept in build/image, apart from the machine's own images. Needs root.
set -eu
cd "$(dirname "$0")/.."
here=$(dpkg --print-architecture)
target=${1:-$here}
folder=$PWD/build/image
base=docker.io/library/debian:bookworm-slim

images() {
  podman --root "$folder/storage" --runroot "$folder/run" "$@"
}

# Where systemd runs, the package of the emulator has told the kernel of it.
emulate() {
  kernel=/proc/sys/fs/binfmt_misc
  processor=$(dpkg-architecture -a"$1" -qDEB_HOST_GNU_CPU 2>/dev/null)
  [ -e $kernel/register ] || mount -t binfmt_misc binfmt_misc $kernel
  [ -e "$kernel/qemu-$processor" ] || cat "/usr/lib/binfmt.d/qemu-$processor.conf" >$kernel/register
}

# Without documents, as Docker's is.
make_base() {
  echo "==> making the base image of $1" >&2
  set -- "$1" $(find /etc/apt/apt.conf.d -name '99*' | sed 's/^/--aptopt=/') \
    $(printf -- '--dpkgopt=path-exclude=/usr/share/%s/* ' doc info locale man) \
    '--dpkgopt=path-include=/usr/share/doc/*/copyright'
  architecture=$1
  shift
  mmdebstrap --quiet --variant=minbase --architectures="$architecture" "$@" bookworm "$folder/base.tar" - <<TXT
deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main
TXT
  images import --arch "$architecture" "$folder/base.tar" "localhost/base:$architecture" >/dev/null
  rm "$folder/base.tar"
  images manifest exists $base || images manifest create $base >/dev/null
  images manifest add --arch "$architecture" $base "containers-storage:localhost/base:$architecture" >/dev/null
}

mkdir -p "$folder"
# Or else the folder can't be deleted.
trap 'umount "$folder/storage/overlay" 2>/dev/null || true' EXIT
[ "$target" = "$here" ] || emulate "$target"
for each in "$here" "$target"; do
  images image exists "localhost/base:$each" || make_base "$each"
done
version=$(sed -n 's/^project(.* VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
name=localhost/registry_exporter:$version-$target
# The compiler runs on this machine's processor; Podman of Debian 12 does not know which that is.
images build --force-rm --isolation chroot --network host --pull=never --platform "linux/$target" \
  --build-arg BUILDPLATFORM="linux/$here" --build-arg REVISION="$(git describe --always --dirty --abbrev=12 --exclude='*')" \
  --tag "$name" . >&2
file=$folder/registry_exporter_${version}_$target.tar
rm -f "$file"
images save --quiet --output "$file" "$name"
echo "==> trying $file" >&2
cd tests/image
IMAGE=$name ARCHITECTURE=$target STORAGE=$folder BUILD=$OLDPWD/build python3 image_test.py -v
