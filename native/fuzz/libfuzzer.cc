// One program per target for clang's libFuzzer; HUSHPAY_FUZZ_TARGET names the function.
#include <cstddef>
#include <cstdint>

#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hushpay::HUSHPAY_FUZZ_TARGET(hushpay::ByteView(data, size));
  return 0;
}
