#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "ipc/server.h"

namespace {

constexpr int kChannelFd = 3;
constexpr int kBoardFd = 4;

/// Memory holds digits: no core file, no ptrace by others of the same user.
void keepMemoryPrivate() {
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

/// Nor swap. Where the limit does not allow all of it, later allocations would fail: then none is locked, and
/// the machine's swap is the operator's to encrypt or switch off.
void keepMemoryOutOfSwap() {
  rlimit limit{};
  const bool isBounded = getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY;
  if (isBounded && geteuid() != 0) return;
  mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/// Before any thread starts, so that all inherit it; the server reads the signals from a descriptor.
void blockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

/// A media worker: serves the commands of media.proto that arrive on file descriptor 3 until it closes.
int main() {
  keepMemoryPrivate();
  keepMemoryOutOfSwap();
  blockSignals();
  if (fcntl(kChannelFd, F_GETFD) < 0) {
    std::fputs("hushpay-media: file descriptor 3 is not open; it is started by hushpay, not by hand\n",
               stderr);
    return 64;
  }
  try {
    return hushpay::Server(kChannelFd, fcntl(kBoardFd, F_GETFD) < 0 ? -1 : kBoardFd).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hushpay-media: %s\n", error.what());
    return 70;
  }
}
