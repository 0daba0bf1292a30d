#!/bin/sh
# build.sh FOLDER: the renderer of the chart, FOLDER/helm_render, from Debian's Go and its libraries.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$(mkdir -p "$1" && realpath "$1")
export GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS='' GOCACHE="$folder/go-cache"
# Two tests may want it at once.
go build -o "$folder/helm_render.$$" "$here/render.go"
mv "$folder/helm_render.$$" "$folder/helm_render"
