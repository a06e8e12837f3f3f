#include "objects/rclone_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/units.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;

// Before it, a cut upload to a directory stood there under its final name.
constexpr int kMajor = 1;
constexpr int kMinorMin = 63;
constexpr Duration kVersionLimit = 30s;
constexpr Duration kLookEvery = 100ms;
constexpr Duration kPollEvery = 10ms;
constexpr Duration kGrace = 5s;  // to abort an upload
constexpr size_t kWordsMax = 600;

// What a text means that contains `part`, and what to do about it. The first match counts.
struct Meaning {
  std::string_view part;
  Reason reason;
  std::string_view advice;
};

constexpr std::string_view kGiveKeys = "check the keys of this remote in the rclone config file";
constexpr std::string_view kGiveRights =
    "give these keys the right to list, read, write and delete there";
constexpr std::string_view kIsDown = "the provider is down, or cut off from here";
constexpr std::array kMeanings = {
    Meaning{"didn't find section in config file", Reason::kConfig,
            "name a remote of the rclone config file (`rclone listremotes`)"},
    Meaning{"unable to decrypt configuration", Reason::kConfig,
            "the rclone config file is encrypted: set RCLONE_CONFIG_PASS"},
    Meaning{"invalid_grant", Reason::kCredentials, "log in anew: `rclone config reconnect`"},
    Meaning{"fetch token", Reason::kCredentials, "log in anew: `rclone config reconnect`"},
    Meaning{"AuthenticationFailed", Reason::kCredentials, kGiveKeys},
    Meaning{"InvalidAuthenticationInfo", Reason::kCredentials, kGiveKeys},
    Meaning{"InvalidAccessKeyId", Reason::kCredentials, kGiveKeys},
    Meaning{"SignatureDoesNotMatch", Reason::kCredentials, kGiveKeys},
    Meaning{"401 Unauthorized", Reason::kCredentials, kGiveKeys},
    Meaning{"unable to authenticate", Reason::kCredentials, kGiveKeys},
    Meaning{"NoSuchBucket", Reason::kBucketMissing, "make it, or name another one"},
    Meaning{"ContainerNotFound", Reason::kBucketMissing, "make it, or name another one"},
    Meaning{"AccessDenied", Reason::kAccessDenied, kGiveRights},
    Meaning{"AuthorizationPermissionMismatch", Reason::kAccessDenied, kGiveRights},
    Meaning{"AuthorizationFailure", Reason::kAccessDenied, kGiveRights},
    Meaning{"Forbidden", Reason::kAccessDenied, kGiveRights},
    Meaning{"permission denied", Reason::kAccessDenied, kGiveRights},
    Meaning{"no space left", Reason::kNoSpace, "make room there"},
    Meaning{"uotaExceeded", Reason::kNoSpace, "make room there, or raise the quota"},
    Meaning{"x509:", Reason::kTls, "the server's certificate is not trusted here"},
    Meaning{"connection refused", Reason::kConnect, kIsDown},
    Meaning{"no such host", Reason::kConnect, kIsDown},
    Meaning{"i/o timeout", Reason::kConnect, kIsDown},
    Meaning{"connection reset", Reason::kConnect, kIsDown},
    Meaning{"network is unreachable", Reason::kConnect, kIsDown},
};

std::vector<std::string> CommonArguments(const RcloneOptions& options) {
  return {"--config", options.config_file, "--ask-password=false", "--retries", "1",
          // Tries of one request; a whole call is tried again by whoever made it.
          "--low-level-retries", "3", "--contimeout", "30s", "--timeout", "1m"};
}

std::vector<std::string> EnvironmentOf(const RcloneOptions& options) {
  std::vector<std::string> environment = options.environment;
  environment.emplace_back("TZ=UTC");            // of the times in listings
  environment.emplace_back("GOTRACEBACK=none");  // its last words are for an error of one line
  environment.push_back("RCLONE_CACHE_DIR=" + options.scratch_dir);  // there is no HOME
  return environment;
}

// What rclone says in the end. An error of Azure is a page: the request, a rule of dashes, the
// status, the code, another rule, and all of it again as XML, which is no news.
std::string SaidIn(std::string_view output) {
  const size_t failed = output.rfind(" NOTICE: Failed to ");
  if (failed == std::string_view::npos) return LastWords(output);
  std::string words;
  for (const std::string_view line : Split(output.substr(failed), '\n')) {
    if (line.starts_with('<')) break;
    if (!line.starts_with("---")) words.append(Trim(line)).append("\n");
  }
  return LastWords(words);
}

}  // namespace

Status CheckRcloneRemote(std::string_view remote) {
  const size_t colon = remote.find(':');
  if (colon != 0 && colon != std::string_view::npos && remote.find_first_of(",/") > colon)
    return OkStatus();
  return Error(Reason::kConfig,
               "rclone remote {}: write NAME:PATH, with a NAME of the rclone config file; settings "
               "and secrets belong into that file",
               colon == std::string_view::npos ? Shown(remote) : "(not shown)");
}

std::string WithoutSecrets(std::string_view text) {
  std::string clean;
  while (true) {
    const size_t scheme = text.find("://");
    if (scheme == std::string_view::npos) return clean.append(text);
    const size_t begin = scheme + 3;
    clean.append(text.substr(0, begin));
    text.remove_prefix(begin);
    std::string_view url = text.substr(0, text.find_first_of(" \t\"'<>|\\"));
    text.remove_prefix(url.size());
    const size_t at = url.substr(0, url.find_first_of("/?")).rfind('@');
    if (at != std::string_view::npos) url.remove_prefix(at + 1);
    clean.append(url.substr(0, url.find('?')));
  }
}

Result<RcloneProgram> RcloneProgram::Open(const Context& context, RcloneOptions options) {
  RETURN_IF_ERROR(CheckRcloneRemote(options.remote));
  RcloneProgram program(context, std::move(options));
  RETURN_IF_ERROR(program.CheckVersion());
  return program;
}

// "rclone v1.75.2", "rclone v1.60.1-DEV"
Status RcloneProgram::CheckVersion() const {
  std::string output;
  const Result<Ended> ended = Run({"version"}, kVersionLimit, [&output](std::string_view piece) {
    output.append(piece);
    return OkStatus();
  });
  if (Is(ended, Reason::kNotFound) || Is(ended, Reason::kAccessDenied)) {
    return Error(Reason::kConfig, "{}; install rclone, or name where it is",
                 MessageOf(ended.status()));
  }
  RETURN_IF_ERROR(ended.status());
  if (ended->exit_code != 0) return ErrorOf(*ended, options_.program + " version");
  constexpr std::string_view kPrefix = "rclone v";
  const std::string_view line = std::string_view(output).substr(0, output.find('\n'));
  const std::string_view version = line.substr(std::min(kPrefix.size(), line.size()));
  const std::vector<std::string_view> parts = Split(version, '.');
  const auto major = ParseNumber<int>(parts[0]);
  const auto minor = parts.size() > 1 ? ParseNumber<int>(parts[1]) : std::nullopt;
  if (!line.starts_with(kPrefix) || !major.has_value() || !minor.has_value()) {
    return Error(Reason::kConfig, "{} version: not an answer of rclone: \"{}\"", options_.program,
                 Shown(line.substr(0, kWordsMax)));
  }
  if (*major > kMajor || (*major == kMajor && *minor >= kMinorMin)) return OkStatus();
  return Error(Reason::kConfig,
               "{} is rclone {}: it leaves cut uploads under their final names; install {}.{} or "
               "newer",
               options_.program, Shown(version), kMajor, kMinorMin);
}

Result<RcloneProgram::Ended> RcloneProgram::Run(const std::vector<std::string>& arguments,
                                                Duration silence, const ByteSink& sink) const {
  ProcessOptions options = {.program = options_.program,
                            .arguments = CommonArguments(options_),
                            .environment = EnvironmentOf(options_),
                            .reads_stdout = true};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  ASSIGN_OR_RETURN(const std::unique_ptr<Process> process, context_.processes.Start(options));
  MonotonicTime deadline = context_.clock.Monotonic() + silence;
  bool at_end = false;
  while (!at_end || !process->Poll().has_value()) {
    std::optional<std::string> piece;
    if (at_end) {
      context_.clock.SleepFor(kPollEvery, context_.stop);
    } else {
      ASSIGN_OR_RETURN(piece, process->ReadStdout(kLookEvery));
      at_end = !piece.has_value();
    }
    if (context_.stop.stop_requested()) {
      process->Stop(kGrace);
      return Error(Reason::kInterrupted, "interrupted while rclone ran");
    }
    if (piece.has_value() && !piece->empty()) {
      RETURN_IF_ERROR(sink(*piece));
      deadline = context_.clock.Monotonic() + silence;
    } else if (context_.clock.Monotonic() >= deadline) {
      process->Stop(kGrace);
      return Error(Reason::kTimeout, "rclone {}: no sign of it for {}; {}", arguments.front(),
                   FormatDuration(silence), kIsDown);
    }
  }
  const ProcessExit exit = *process->Poll();
  const std::string said = WithoutSecrets(SaidIn(process->OutputTail()));
  if (!exit.exit_code.has_value()) {
    return Error(Reason::kIoError, "rclone {}: it was ended by {}; its last words: {}",
                 arguments.front(), exit.Describe(), said);
  }
  return Ended{*exit.exit_code, said};
}

Status RcloneProgram::ErrorOf(const Ended& ended, std::string_view what) {
  const auto* const meaning = std::ranges::find_if(kMeanings, [&](const Meaning& one) {
    return ended.said.find(one.part) != std::string::npos;
  });
  const bool is_known = meaning != kMeanings.end();
  return Error(is_known ? meaning->reason : Reason::kIoError, "{}: rclone exit code {}: {}{}{}",
               what, ended.exit_code, std::string_view(ended.said).substr(0, kWordsMax),
               is_known ? "; " : "", is_known ? meaning->advice : "");
}

}  // namespace etcdrill::objects
