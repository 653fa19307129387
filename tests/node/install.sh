#!/bin/sh
# The unmodified JavaScript clients for the e2e tests, by its lock file.
set -eu
cd "$(dirname "$0")"
command -v npm >/dev/null || {
  printf 'nodejs\nnpm\n' > .packages
  ../../deploy/packages/install.sh .packages
  rm .packages
}
command -v npm >/dev/null || { echo "no npm: the tests of tus-js-client can't run"; exit 0; }
[ node_modules/.package-lock.json -nt package-lock.json ] && exit 0
npm ci --silent --no-audit --no-fund
