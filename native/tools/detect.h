#pragma once

#include <string>
#include <vector>

namespace hushpay {

/// Prints the keys of files as JSON.
/// @return 1 if a file could not be read; the others are reported all the same
int detect(const std::vector<std::string>& files);

}  // namespace hushpay
