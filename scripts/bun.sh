#!/bin/sh
# Runs a file with the project's own Bun: the binary inside the npm package, no install script needed.
here=$(cd "$(dirname "$0")/.." && pwd)
case $(uname -m) in aarch64) arch=aarch64 ;; *) arch=x64 ;; esac
exec "$here/node_modules/@oven/bun-linux-$arch/bin/bun" "$@"
