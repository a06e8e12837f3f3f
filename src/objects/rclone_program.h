// One call of the rclone program after the other: what it is given, what it prints, how it ends.
// The hard fact: its exit codes tell apart a missing directory (3) and a missing file (4), but
// whatever the provider said is text, and that text may quote a signed URL
// (rclone.org/docs, "Exit code").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "io/context.h"

namespace etcdrill::objects {

struct RcloneOptions {
  std::string program;  // a path
  std::string
      config_file;     // rclone.conf, which holds the secrets; none of them is ever an argument
  std::string remote;  // "NAME:PATH", with a NAME of that file
  std::string scratch_dir;  // what is written is spooled there first; made if missing
  // NAME=VALUE: a proxy, the password of the config file. Nothing else is inherited.
  std::vector<std::string> environment = {};
};

// kConfig if it is not NAME:PATH. A remote can also be made up on the spot, with its secrets, where
// every user of the machine reads it in the list of processes: that is refused, and not repeated.
Status CheckRcloneRemote(std::string_view remote);

// Safe for use from any thread.
class RcloneProgram {
 public:
  // Asks for its version. kConfig if the program is missing or too old, or the remote is written in
  // a way that can't be used.
  static Result<RcloneProgram> Open(const Context& context, RcloneOptions options);

  struct Ended {
    int exit_code = 0;
    std::string said;  // its last words, in one line, without secrets
  };
  // Runs it to its end, and hands what it prints to `sink`, whose error ends it and comes back as
  // it is. kTimeout once it has printed nothing for `silence`; then, and on a stop, it gets a
  // moment to take back what it had begun.
  Result<Ended> Run(const std::vector<std::string>& arguments, Duration silence,
                    const ByteSink& sink) const;
  // The error of a call that ended otherwise than with 0. `what` was tried.
  static Status ErrorOf(const Ended& ended, std::string_view what);

  const RcloneOptions& options() const [[clang::lifetimebound]] { return options_; }

 private:
  RcloneProgram(const Context& context, RcloneOptions options)
      : context_(context), options_(std::move(options)) {}
  Status CheckVersion() const;

  const Context context_;
  const RcloneOptions options_;
};

// Without what stands before an @ or behind a ? in the addresses of a text: there are the passwords
// and signatures.
std::string WithoutSecrets(std::string_view text);

}  // namespace etcdrill::objects
