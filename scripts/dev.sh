#!/bin/sh
# A daemon from source with a scratch root of its own, its lines in this terminal: `npm run dev`.
# In another terminal: DOCKER_HOST=unix://$BERTH_DEV/berth.sock sh scripts/bun.sh src/main.ts ps
set -eu
cd "$(dirname "$0")/.."
root=${BERTH_DEV:-/var/tmp/berth-dev}
mkdir -p "$root"
echo "DOCKER_HOST=unix://$root/berth.sock" >&2
exec sh scripts/bun.sh src/main.ts daemon --debug --data-root "$root/data" --exec-root "$root/run" \
  --pidfile "$root/pid" --bridge berthdev0 -H "unix://$root/berth.sock" "$@"
