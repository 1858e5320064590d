#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "audit.h"
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

}  // namespace

/// Runs the worker's own detector over files: hushpay-dtmf detect|audit FILE-OR-DIRECTORY…
/// With `-` the paths are read from standard input, each ended by a zero byte.
int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (argc < 3 || (command != "detect" && command != "audit")) {
    std::fputs("usage: hushpay-dtmf detect|audit FILE.wav|DIRECTORY ...\n", stderr);
    return 64;
  }
  std::vector<std::string> files;
  if (argc == 3 && std::string_view(argv[2]) == "-") {
    for (std::string path; std::getline(std::cin, path, '\0');) addFiles(path, files);
  } else {
    for (int i = 2; i < argc; i++) addFiles(argv[i], files);
  }
  return command == "detect" ? hushpay::detect(files) : hushpay::audit(files);
}
