#pragma once

namespace hushpay {

/// A build with sanitizers is twenty times slower and looks for something else than the length of a test:
/// what takes minutes takes a fifth there.
#ifdef HUSHPAY_SANITIZED
inline constexpr int kThoroughness = 1;
#else
inline constexpr int kThoroughness = 5;
#endif

}  // namespace hushpay
