// For tests under libfaketime, loaded beside it: Abseil waits until a moment of the wall clock by a
// system call of its own, which libfaketime does not see, so that a clock that is ahead by a year
// makes it (and gRPC's timers) wait for a year. This takes the lie back out of such a moment.
#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <ctime>

namespace {

using Syscall = long (*)(long, ...);

constexpr long kSecond = 1'000'000'000;

// By how much the clock that everybody else sees is ahead of the true one.
long LieInSeconds(Syscall call) {
  timespec seen{};
  timespec truth{};
  clock_gettime(CLOCK_REALTIME, &seen);
  call(SYS_clock_gettime, CLOCK_REALTIME, &truth);
  return (seen.tv_sec - truth.tv_sec) + (seen.tv_nsec - truth.tv_nsec + kSecond / 2) / kSecond;
}

}  // namespace

extern "C" long syscall(long number, ...) noexcept {
  static const Syscall call = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
  va_list arguments;
  va_start(arguments, number);
  long a[6];
  for (long& argument : a) argument = va_arg(arguments, long);
  va_end(arguments);
  const auto* until = reinterpret_cast<const timespec*>(a[3]);
  const bool waits = number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
  if (!waits || (a[1] & FUTEX_CLOCK_REALTIME) == 0 || until == nullptr) {
    return call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
  timespec mended = *until;
  mended.tv_sec -= LieInSeconds(call);
  if (mended.tv_sec < 0) mended.tv_sec = 0;
  return call(number, a[0], a[1], a[2], &mended, a[4], a[5]);
}
