#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit.h"
#include "clamp.h"
#include "detect.h"

namespace {

bool isWav(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension == ".wav";
}

/// The path itself, or every WAV file below a directory.
void addFiles(const std::string& path, std::vector<std::string>& files) {
  std::error_code unknown;
  if (!std::filesystem::is_directory(path, unknown)) {
    files.push_back(path);
    return;
  }
  const auto begin = files.size();
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, options, unknown)) {
    if (isWav(entry.path())) files.push_back(entry.path().string());
  }
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(begin), files.end());
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Every WAV file below a directory, beside the place under another that it is written to.
Pairs filesUnder(const std::string& from, const std::string& to) {
  std::vector<std::string> files;
  addFiles(from, files);
  Pairs pairs;
  for (const std::string& file : files) {
    const auto relative = std::filesystem::path(file).lexically_relative(from);
    pairs.emplace_back(file, (std::filesystem::path(to) / relative).string());
  }
  return pairs;
}

int usage() {
  std::fputs(
      "usage: hushpay-dtmf detect|audit FILE.wav|DIRECTORY ...\n"
      "       hushpay-dtmf clamp noise|silence|tone IN.wav OUT.wav|IN-DIRECTORY OUT-DIRECTORY\n",
      stderr);
  return 64;
}

int runClamp(std::string_view mode, const std::string& in, const std::string& out) {
  using hushpay::ClampMode;
  if (mode != "noise" && mode != "silence" && mode != "tone") return usage();
  const ClampMode how = mode == "noise"     ? ClampMode::kComfortNoise
                        : mode == "silence" ? ClampMode::kSilence
                                            : ClampMode::kNeutralTone;
  std::error_code unknown;
  if (std::filesystem::is_directory(in, unknown)) return hushpay::clamp(filesUnder(in, out), how);
  return hushpay::clamp({{in, out}}, how);
}

}  // namespace

/// Runs the worker's own detector and clamp over files.
/// For detect and audit, with `-` the paths are read from standard input, each ended by a zero byte.
int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "clamp") return argc == 5 ? runClamp(argv[2], argv[3], argv[4]) : usage();
  if (argc < 3 || (command != "detect" && command != "audit")) return usage();
  std::vector<std::string> files;
  if (argc == 3 && std::string_view(argv[2]) == "-") {
    for (std::string path; std::getline(std::cin, path, '\0');) addFiles(path, files);
  } else {
    for (int i = 2; i < argc; i++) addFiles(argv[i], files);
  }
  return command == "detect" ? hushpay::detect(files) : hushpay::audit(files);
}
