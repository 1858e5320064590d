#pragma once

#include <string>
#include <utility>
#include <vector>

#include "media/clamp_fill.h"

namespace hushpay {

/// Clamps recordings into files of their own: what listeners would have heard, sample by sample at the same
/// instant as in the recording. Prints as JSON what it did.
/// @param files  pairs of what is read and what is written
/// @return 1 if a file could not be read or written; the others are done all the same
int clamp(const std::vector<std::pair<std::string, std::string>>& files, ClampMode mode);

}  // namespace hushpay
