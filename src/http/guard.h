// web.config_file in use: TLS for each new connection, users, headers and the rate limit for each
// request. The file, and every file that it names, is read each time and used from then on when its
// bytes have changed; one that is wrong then is told and the old one kept.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "http/front/channel.h"
#include "http/message.h"
#include "http/web_config.h"
#include "io/context.h"
#include "io/watched.h"

namespace etcdrill::http {

// Safe for use from any thread.
class Guard {
 public:
  // What a configuration file says; kConfig with one line for each problem. Paths in it are
  // relative to it.
  using ParseConfig = Result<WebConfig> (*)(std::string_view text, const std::string& path);

  // `config_file` may be empty: no TLS, no users. kConfig or kTls if the file, or one that it
  // names, can't be used. `context` must outlive it.
  static Result<std::unique_ptr<Guard>> Create(const Context& context,
                                               const std::string& config_file, ParseConfig parse);
  ~Guard();

  std::unique_ptr<Channel> ChannelFor(int fd);
  // The answer to a request that is not let through: 401, 429.
  std::optional<Response> Refuse(const Request& request);
  Headers ExtraHeaders();
  // Of the certificate that is in use; none without TLS.
  std::optional<Validity> Certificate();

 private:
  struct State;
  Guard(const Context& context, std::string config_file, ParseConfig parse);

  std::shared_ptr<State> Current();
  Result<std::shared_ptr<State>> Read();
  Result<WebConfig> ReadConfig() const;
  std::vector<std::string> Files() const;
  void Tell(const Status& read);
  bool TakeToken(State& state);
  void TellOfRefusal();

  const Context& context_;
  const std::string config_file_;
  const ParseConfig parse_;
  std::optional<bool> uses_tls_;  // of the first that could be read
  std::shared_ptr<Watched<State>> state_;
  std::mutex mutex_;
  // Guarded by mutex_.
  double tokens_ = 0;
  MonotonicTime tokens_at_{};
  uint64_t refused_ = 0;  // since the last line about it
  MonotonicTime told_{};
};

}  // namespace etcdrill::http
