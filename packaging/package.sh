#!/bin/sh
# package.sh BUILD [TARGET]: the Debian package of a finished build, in TARGET (BUILD).
set -eu
here=$(dirname "$0")
target=$(realpath "${2:-$1}")
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$here/changelog" -S Timestamp)
export SOURCE_DATE_EPOCH
umask 022
cd "$1"
exec cpack -B "$target" >&2
