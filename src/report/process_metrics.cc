// The process_* metrics that every Prometheus client library has, which prometheus-cpp lacks. From
// getrusage, getrlimit and /proc/self; what can't be read is left out.

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "report/metrics.h"

namespace etcdrill::report {
namespace {

double Seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

std::optional<double> CountEntries(const char* dir) {
  std::error_code error;
  double n = 0;
  for (std::filesystem::directory_iterator it(dir, error), end; !error && it != end;
       it.increment(error))
    ++n;
  return error ? std::nullopt : std::optional(n);
}

}  // namespace

void AddProcessMetrics(WallTime start, Families& page) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  page.Counter("process_cpu_seconds_total", "CPU time of the process, user and system.")
      .Sample(Seconds(usage.ru_utime) + Seconds(usage.ru_stime));

  // /proc/self/statm: virtual and resident size, in pages.
  std::ifstream statm("/proc/self/statm");
  double virtual_pages = 0;
  double resident_pages = 0;
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  if (statm >> virtual_pages >> resident_pages) {
    page.Gauge("process_resident_memory_bytes", "Resident memory of the process.")
        .Sample(resident_pages * page_bytes);
    page.Gauge("process_virtual_memory_bytes", "Virtual memory of the process.")
        .Sample(virtual_pages * page_bytes);
  }
  page.Gauge("process_open_fds", "Number of open file descriptors.")
      .Sample(CountEntries("/proc/self/fd"));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  page.Gauge("process_max_fds", "Limit of open file descriptors.")
      .Sample(static_cast<double>(limit.rlim_cur));
  page.Gauge("process_threads", "Number of threads of the process.")
      .Sample(CountEntries("/proc/self/task"));
  page.Gauge("process_start_time_seconds", "Start time of the process, as a Unix timestamp.")
      .Sample(UnixSeconds(start));
}

}  // namespace etcdrill::report
