#pragma once

#include <vector>

#include "recording.h"

namespace hushpay {

/// Prints the keys of files as JSON.
/// @return 1 if a file could not be read; the others are reported all the same
int detect(const std::vector<RecordingFile>& files);

}  // namespace hushpay
