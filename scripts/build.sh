#!/bin/sh
# Builds dist/berth, the one file that is client, daemon, shim and worker.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
committed=$(git log -1 --format=%cI 2>/dev/null || true)
mkdir -p dist
sh scripts/bun.sh build --compile --minify --bytecode --splitting --format=esm \
  --define BERTH_VERSION="\"$version\"" --define BERTH_COMMIT="\"$commit\"" \
  --define BERTH_COMMITTED="\"$committed\"" \
  src/main.ts --outfile "dist/berth.$$"
mv "dist/berth.$$" dist/berth
