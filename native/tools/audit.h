#pragma once

#include <vector>

#include "recording.h"

namespace hushpay {

/// Prints as JSON where recordings hold key presses or pieces of them. Never which keys.
/// @return 0; what was found and what could not be read is in the JSON
int audit(const std::vector<RecordingFile>& files);

}  // namespace hushpay
