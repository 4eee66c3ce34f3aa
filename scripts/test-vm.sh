#!/bin/sh
# The main commands in a stock Debian 12 machine, in QEMU: `sudo npm run test:vm`. What is committed is what is tested.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "making the machine's disk needs root (sudo npm run test:vm)" >&2; exit 1; }
sh scripts/setup.sh run
exec sh scripts/bun.sh test/vm/run.ts
