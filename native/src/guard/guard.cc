#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstddef>
#include <cstdint>

#include "locked_memory.h"

// What Node calls when it loads build/native/hushpay-guard.node (node_api.h, `napi_register_module_v1`).
// Opaque pointers are all that is needed of its types, so no header of Node is.

extern "C" {

using Env = void*;
using Value = void*;
using Callback = Value (*)(Env, void* info);
using Finalizer = void (*)(Env, void* data, void* hint);

int napi_create_external_arraybuffer(Env, void* data, std::size_t bytes, Finalizer, void* hint, Value* made);
int napi_create_function(Env, const char* name, std::size_t length, Callback, void* data, Value* made);
int napi_get_cb_info(Env, void* info, std::size_t* count, Value* arguments, Value* self, void** data);
int napi_get_value_uint32(Env, Value, std::uint32_t*);
int napi_set_named_property(Env, Value object, const char* name, Value);
int napi_throw_error(Env, const char* code, const char* message);
}

namespace {

/// Its length comes back as the hint.
void onCollected(Env /*env*/, void* data, void* hint) {
  hushpay::giveLocked(static_cast<std::byte*>(data), reinterpret_cast<std::size_t>(hint));
}

/// lockedMemory(bytes: number): ArrayBuffer of zeros, in locked memory until nothing refers to it any more.
Value lockedMemory(Env env, void* info) {
  std::size_t count = 1;
  Value argument = nullptr;
  std::uint32_t bytes = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (napi_get_value_uint32(env, argument, &bytes) != 0 || bytes == 0) {
    napi_throw_error(env, nullptr, "a length in bytes, not 0");
    return nullptr;
  }
  std::byte* const memory = hushpay::takeLocked(bytes);
  Value made = nullptr;
  void* const hint = reinterpret_cast<void*>(std::size_t{bytes});
  if (memory == nullptr) {
    napi_throw_error(env, nullptr, "no memory");
  } else if (napi_create_external_arraybuffer(env, memory, bytes, onCollected, hint, &made) != 0) {
    hushpay::giveLocked(memory, bytes);
    napi_throw_error(env, nullptr, "this Node takes no memory from others");
  }
  return made;
}

}  // namespace

extern "C" {

/// Makes this process one whose memory nobody of the same user may read or trace, and that leaves no core
/// file: not even where core files go to a program, which no limit stops (core(5)). It cannot be undone by a
/// later limit.
/// @return `exports` with lockedMemory
[[gnu::visibility("default")]] void* napi_register_module_v1(void* env, void* exports) {
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  Value function = nullptr;
  constexpr std::size_t kUntilZero = SIZE_MAX;
  if (napi_create_function(env, "lockedMemory", kUntilZero, lockedMemory, nullptr, &function) == 0)
    napi_set_named_property(env, exports, "lockedMemory", function);
  return exports;
}

[[gnu::visibility("default")]] int node_api_module_get_api_version_v1() { return 8; }
}
