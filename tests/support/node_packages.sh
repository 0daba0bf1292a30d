# For scripts of tests that need packages of npm: `. node_packages.sh`, then
# node_packages SOURCE WORK WHAT: installs what SOURCE/package-lock.json names into WORK, never into the
# source. Without node or npm, or where the packages can't be had: prints SKIPPED and exits 77; with CI=true
# that is a failure.

skip() {
  echo "SKIPPED: $1"
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 77
}

node_packages() {
  command -v node >/dev/null || skip "node is not installed"
  command -v npm >/dev/null || skip "npm is not installed"
  mkdir -p "$2"
  if cmp -s "$1/package-lock.json" "$2/package-lock.json" && [ -d "$2/node_modules" ]; then return; fi
  cp "$1/package.json" "$1/package-lock.json" "$2/"
  (cd "$2" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1) || {
    cat "$2/npm.log"
    rm -rf "$2/node_modules" "$2/package-lock.json"
    skip "$3 could not be installed"
  }
}
