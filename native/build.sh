#!/bin/sh
# Generates the TypeScript of media.proto and builds the media worker into build/native.
#   sh native/build.sh [serve|test] [--sanitize address,undefined|thread]
# `test` builds the native tests too. A sanitized build has its own folder, build/native-<name>, and always its tests.
# Does nothing that is already done.
set -eu
cd "$(dirname "$0")/.."

purpose=serve
sanitize=
while [ $# -gt 0 ]; do
  case "$1" in
    serve | test) purpose=$1 ;;
    --sanitize) sanitize=$2; purpose=test; shift ;;
    *) echo "native/build.sh: unknown argument $1; expected serve, test or --sanitize NAMES" >&2; exit 64 ;;
  esac
  shift
done

generated=src/media/generated/media_pb.ts
if [ ! "$generated" -nt native/media.proto ]; then
  mkdir -p src/media/generated
  # The plug-in's #! asks for the node of the PATH: let it be the one the project brings.
  PATH="$PWD/node_modules/.bin:$PATH" protoc -I native \
    --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
    --es_out=src/media/generated \
    --es_opt=target=ts,import_extension=ts,erasable_syntax=true native/media.proto
  touch "$generated"
fi

build=build/native
[ -z "$sanitize" ] || build="build/native-$(printf %s "$sanitize" | tr , -)"
tests=OFF
[ "$purpose" = serve ] || tests=ON
if [ ! -f "$build/CMakeCache.txt" ] || ! grep -q "^HUSHPAY_TESTS:BOOL=$tests$" "$build/CMakeCache.txt"; then
  generator=
  if command -v ninja >/dev/null && [ ! -f "$build/Makefile" ]; then generator='-G Ninja'; fi
  # shellcheck disable=SC2086 # empty or two words
  cmake -S native -B "$build" $generator -DHUSHPAY_TESTS=$tests -DHUSHPAY_SANITIZE="$sanitize" >/dev/null
fi
cmake --build "$build" --parallel
