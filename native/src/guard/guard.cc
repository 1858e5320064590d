#include <sys/prctl.h>
#include <sys/resource.h>

// What Node calls when it loads build/native/hushpay-guard.node (node_api.h, `napi_register_module_v1`).
// Opaque pointers are all that is needed of its types, so no header of Node is.

extern "C" {

/// Makes this process one whose memory nobody of the same user may read or trace, and that leaves no core
/// file: not even where core files go to a program, which no limit stops (core(5)). It cannot be undone by a
/// later limit.
/// @return `exports` as it came
[[gnu::visibility("default")]] void* napi_register_module_v1(void* /*env*/, void* exports) {
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  return exports;
}

[[gnu::visibility("default")]] int node_api_module_get_api_version_v1() { return 8; }
}
