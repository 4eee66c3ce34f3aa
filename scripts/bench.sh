#!/bin/sh
# Runs the benchmarks, each beside Docker in one run: `npm run bench`, `npm run bench -- --only start`.
# BERTH_PEER is the socket of a Docker daemon (default: the one of DOCKER_HOST's usual place), BERTH_PEER_CLI its client.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "the benchmarks start a daemon and containers: run them as root" >&2; exit 1; }
sh scripts/setup.sh test
exec sh scripts/bun.sh bench/run.ts "$@"
