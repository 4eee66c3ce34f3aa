#!/bin/sh
# Builds dist/berth, the one file that is client, daemon, shim and worker.
set -e
cd "$(dirname "$0")/.."
mkdir -p dist
sh scripts/bun.sh build --compile --minify --bytecode --format=esm --define BERTH_VERSION="\"$(sed -n 's/.*"version": "\(.*\)".*/\1/p' package.json | head -1)\"" \
  src/main.ts --outfile dist/berth.new >/dev/null
mv dist/berth.new dist/berth
