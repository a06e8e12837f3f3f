// A binary is asked for its version each time: what a path holds may have changed since the last
// drill.
#include "drill/etcd_binary.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "format/etcd_version.h"

namespace etcdrill::drill {
namespace {

using namespace std::chrono_literals;

constexpr Duration kVersionLimit = 10s;
constexpr std::string_view kAdvice =
    "Set drill.etcd.binary or drill.etcd.binaries, or use --etcd PATH";

Result<std::string> VersionOf(const Context& context, const std::string& binary) {
  const auto output =
      RunToEnd(context.processes, context.clock,
               {.program = binary, .arguments = {"--version"}, .environment = EtcdEnvironment()},
               kVersionLimit, context.stop);
  if (!output.ok()) {
    // One that is there is not missing, whatever keeps it from answering: too little memory, no
    // /proc.
    const Reason why = ReasonOf(output.status());
    if (why != Reason::kNotFound && why != Reason::kAccessDenied) return output.status();
    return Error(Reason::kEtcdMissing, "{}. {}", MessageOf(output.status()), kAdvice);
  }
  // "etcd Version: 3.5.16"
  constexpr std::string_view kPrefix = "etcd Version: ";
  const std::string_view text = *output;
  const size_t at = text.find(kPrefix);
  if (at == std::string_view::npos) {
    return Error(Reason::kEtcdVersion,
                 "{} --version printed no etcd version: not an etcd server. Set drill.etcd.binary, "
                 "or use --etcd PATH",
                 binary);
  }
  const std::string_view rest = text.substr(at + kPrefix.size());
  return std::string(rest.substr(0, rest.find_first_of("\r\n ")));
}

}  // namespace

std::vector<std::string> EtcdEnvironment() {
  constexpr const char* kName = "ETCD_UNSUPPORTED_ARCH";
  const char* const set = std::getenv(kName);
  std::vector<std::string> environment = {
      "GOTRACEBACK=none"};  // its last words are for an error of one line
  if (set != nullptr) environment.push_back(fmt::format("{}={}", kName, set));
  return environment;
}

// Some releases of 3.4 know the flag, too, but not all.
bool EtcdBinary::CanSkipFsync() const { return EtcdMinorOf(version).value_or(0) >= 5; }

Result<EtcdBinary> ChooseEtcd(const Context& context, const std::vector<std::string>& candidates,
                              std::optional<int> minor) {
  if (candidates.empty()) {
    return Error(Reason::kEtcdMissing, "no etcd server on PATH or in the configuration. {}",
                 kAdvice);
  }
  Status why_not;
  std::string others;
  for (const std::string& path : candidates) {
    const Result<std::string> version = VersionOf(context, path);
    if (!version.ok()) {
      if (IsInterrupted(version.status())) return version.status();
      if (why_not.ok()) why_not = version.status();
      continue;
    }
    if (!minor.has_value() || EtcdMinorOf(*version) == minor) return EtcdBinary{path, *version};
    others += fmt::format("{}{} is {}", others.empty() ? "" : ", ", path, *version);
  }
  if (others.empty()) return why_not;
  return Error(Reason::kEtcdVersion,
               "the snapshot is of etcd 3.{}, but {}: a drill needs the same minor version. {}",
               *minor, others, kAdvice);
}

}  // namespace etcdrill::drill
