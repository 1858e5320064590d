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

using Path = std::filesystem::path;

bool isWav(const Path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension == ".wav";
}

using Files = std::vector<hushpay::RecordingFile>;

/// Every WAV file below a directory, in order. One that cannot be looked into stands for itself: whoever
/// reads it says so.
void addBelow(const Path& directory, const Path& root, Files& files) {
  std::error_code unable;
  std::vector<Path> entries;
  for (std::filesystem::directory_iterator it(directory, unable), end; !unable && it != end;
       it.increment(unable))
    entries.push_back(it->path());
  if (unable) files.push_back({.path = directory.string(), .name = directory.string()});
  std::ranges::sort(entries);
  for (const Path& entry : entries) {
    if (std::filesystem::symlink_status(entry, unable).type() == std::filesystem::file_type::directory)
      addBelow(entry, root, files);
    else if (isWav(entry))
      files.push_back({.path = entry.string(), .name = entry.lexically_relative(root).string()});
  }
}

/// The path itself, or every WAV file below a directory, or the directory if there is none.
void addFiles(const std::string& path, Files& files) {
  std::error_code unknown;
  const auto before = files.size();
  if (std::filesystem::is_directory(path, unknown)) addBelow(path, path, files);
  if (files.size() == before) files.push_back({.path = path, .name = Path(path).filename().string()});
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Every WAV file below a directory, beside the place under another that it is written to.
Pairs filesUnder(const std::string& from, const std::string& to) {
  Files files;
  addFiles(from, files);
  Pairs pairs;
  for (const auto& [path, name] : files) pairs.emplace_back(path, (Path(to) / name).string());
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
  Files files;
  if (argc == 3 && std::string_view(argv[2]) == "-") {
    for (std::string path; std::getline(std::cin, path, '\0');) addFiles(path, files);
  } else {
    for (int i = 2; i < argc; i++) addFiles(argv[i], files);
  }
  return command == "detect" ? hushpay::detect(files) : hushpay::audit(files);
}
