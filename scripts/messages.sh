#!/bin/sh
# Generates src/buildkit/messages/*_pb.ts from the .proto files beside them (`npm run messages`).
set -eu
cd "$(dirname "$0")/../src/buildkit/messages"
export PATH="$PWD/../../../node_modules/.bin:$PATH"
rm -f ./*_pb.ts
buf generate . --template '{"version":"v2","plugins":[{"local":"protoc-gen-es","out":".","opt":["target=ts","import_extension=ts"]}]}'
