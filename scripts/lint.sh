#!/bin/sh
# Format and lint (Biome), types (tsc), and who may import whom (lint-rooms).
set -e
cd "$(dirname "$0")/.."
[ -e node_modules/.bin/biome ] || sh scripts/setup.sh test
node_modules/.bin/biome check --error-on-warnings .
node_modules/.bin/tsc --noEmit
sh scripts/bun.sh scripts/lint-rooms.ts
