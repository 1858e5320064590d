#!/bin/sh
# Generates the TypeScript of media.proto and builds the media worker into build/native.
#   sh native/build.sh [serve|test] [--sanitize address,undefined|thread] [--suites NAME,NAME]
# `test` builds the native tests too. A sanitized build has its own folder, build/native-<names>: the worker and the native tests
# without the benchmarks, and of the tests only the suites named, if any are. The one with address and undefined is clang's, and has the libFuzzer programs.
# Does nothing that is already done.
set -eu
cd "$(dirname "$0")/.."

purpose=serve
sanitize=
suites=
while [ $# -gt 0 ]; do
  case "$1" in
    serve | test) purpose=$1 ;;
    --sanitize) sanitize=$2; shift ;;
    --suites) suites=$2; shift ;;
    *) echo "native/build.sh: unknown argument $1; expected serve, test, --sanitize NAMES or --suites NAMES" >&2; exit 64 ;;
  esac
  shift
done

generated=src/media/generated/media_pb.ts
# shellcheck disable=SC3013 # every sh we meet has -nt
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
targets='hushpay-media hushpay-dtmf hushpay-guard'
options="-DHUSHPAY_SANITIZE=$sanitize -DHUSHPAY_SUITES=$suites"
if [ "$purpose" = test ]; then
  targets=all
  options="$options -DHUSHPAY_TESTS=ON"
fi
case "$sanitize" in
  '') ;;
  *address*)
    targets='hushpay-media hushpay-dtmf hushpay-native-test fuzzers'
    options="$options -DHUSHPAY_TESTS=ON -DHUSHPAY_FUZZ=ON"
    export CXX=clang++
    ;;
  *)
    targets='hushpay-media hushpay-native-test'
    options="$options -DHUSHPAY_TESTS=ON"
    ;;
esac
[ -z "$sanitize" ] || build="build/native-$(printf %s "$sanitize" | tr , -)"

isConfigured() {
  [ -f "$build/CMakeCache.txt" ] || return 1
  for option in $options; do
    setting=${option#-D}
    grep -q "^${setting%%=*}:[A-Z]*=${setting#*=}\$" "$build/CMakeCache.txt" || return 1
  done
}

if ! isConfigured; then
  rm -f "$build/CMakeCache.txt"
  ! command -v ninja >/dev/null || options="$options -G Ninja"
  # shellcheck disable=SC2086 # words of options
  cmake -S native -B "$build" $options >/dev/null
fi
# shellcheck disable=SC2086 # words of targets
cmake --build "$build" --parallel "${HUSHPAY_BUILD_JOBS:-$(nproc)}" --target $targets
