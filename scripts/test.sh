#!/bin/sh
# Sets up what the tests need, then runs them: `npm test`, or `npm test -- WORD…` for the files whose path has a word in it.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "the tests need root: they mount, make network devices and start containers (sudo npm test)" >&2; exit 1; }
sh scripts/setup.sh test
[ $# -gt 0 ] || sh scripts/lint.sh
BERTH_BINARY=$PWD/dist/berth exec sh scripts/bun.sh scripts/test.ts "$@"
