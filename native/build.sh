#!/bin/sh
# Generates the TypeScript of media.proto and builds the media worker into build/native.
#   sh native/build.sh [serve|test|fuzz] [--sanitize address,undefined|thread]
# `test` builds the native tests too. A sanitized build has its own folder, build/native-<name>, and always its tests.
# `fuzz` builds the libFuzzer programs with clang, address and undefined, into build/native-fuzz.
# Does nothing that is already done.
set -eu
cd "$(dirname "$0")/.."

purpose=serve
sanitize=
while [ $# -gt 0 ]; do
  case "$1" in
    serve | test | fuzz) purpose=$1 ;;
    --sanitize) sanitize=$2; purpose=test; shift ;;
    *) echo "native/build.sh: unknown argument $1; expected serve, test, fuzz or --sanitize NAMES" >&2; exit 64 ;;
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
targets='hushpay-media hushpay-dtmf'
configure="-DHUSHPAY_SANITIZE=$sanitize"
[ -z "$sanitize" ] || build="build/native-$(printf %s "$sanitize" | tr , -)"
if [ "$purpose" = test ]; then
  targets=all
  configure="$configure -DHUSHPAY_TESTS=ON"
fi
if [ "$purpose" = fuzz ]; then
  build=build/native-fuzz
  targets=fuzzers
  configure='-DHUSHPAY_SANITIZE=address,undefined -DHUSHPAY_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++'
fi
if [ ! -f "$build/CMakeCache.txt" ]; then
  ! command -v ninja >/dev/null || configure="$configure -G Ninja"
fi
if [ ! -f "$build/CMakeCache.txt" ] ||
  { [ "$purpose" = test ] && ! grep -q '^HUSHPAY_TESTS:BOOL=ON$' "$build/CMakeCache.txt"; }; then
  # shellcheck disable=SC2086 # words of options
  cmake -S native -B "$build" $configure >/dev/null
fi
# shellcheck disable=SC2086 # words of targets
cmake --build "$build" --parallel "$(nproc)" --target $targets
