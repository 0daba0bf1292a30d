#!/bin/sh
# Checks the simulator against the clouds' official JavaScript clients.
#   run.sh SIMULATOR [WORK_FOLDER]
# The clients are installed into WORK_FOLDER (default: build/conformance), never into the source.
# Without node or npm: prints SKIPPED and exits 77; with CI=true that is a failure.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
simulator=${1:?usage: run.sh SIMULATOR [WORK_FOLDER]}
work=${2:-$here/../../../build/conformance}

. "$here/../../support/node_packages.sh"
node_packages "$here" "$work" "the clients"

"$simulator" --listen-address 127.0.0.1:0 --repositories 12 --seed 3 >"$work/simulator.log" &
pid=$!
trap 'kill "$pid" 2>/dev/null || true' EXIT
tries=0
until grep -q listening "$work/simulator.log"; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ]; then
    echo "the simulator did not start"
    exit 1
  fi
  sleep 0.1
done
address=$(sed -n 's|.*http://||p' "$work/simulator.log")
# A home of its own: one of the clients writes into it. No proxy leads to the simulator.
mkdir -p "$work/home"
unset HTTP_PROXY http_proxy HTTPS_PROXY https_proxy ALL_PROXY all_proxy
cd "$work" && HOME="$work/home" SIMULATOR="$address" node "$here/conformance.mjs"
