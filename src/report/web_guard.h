// web.config_file in use: TLS for each new connection, users, headers and the rate limit for each
// request. The file, and every file that it names, is read each time and used from then on when its
// bytes have changed; one that is wrong then is told and the old one kept.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/web_config.h"
#include "crypto/certificate.h"
#include "io/context.h"
#include "report/front/channel.h"
#include "report/http.h"

namespace etcdrill::report {

// Safe for use from any thread.
class WebGuard {
 public:
  // `config_file` may be empty: no TLS, no users. kConfig or kTls if the file can't be used.
  // `context` must outlive it.
  static Result<std::unique_ptr<WebGuard>> Create(const Context& context,
                                                  const std::string& config_file);
  ~WebGuard();

  std::unique_ptr<Channel> ChannelFor(int fd);
  // The answer to a request that is not let through: 401, 429.
  std::optional<HttpResponse> Refuse(const HttpRequest& request);
  Headers ExtraHeaders();
  // Of the certificate that is in use; none without TLS.
  std::optional<Validity> Certificate();

 private:
  struct State;
  struct Stamp;
  struct Loaded;
  WebGuard(const Context& context, std::string config_file);

  std::shared_ptr<State> Current();
  Result<std::shared_ptr<State>> Read() const;
  Result<config::WebConfig> ReadConfig() const;
  Loaded Load() const;
  Stamp StampOf(std::string path) const;
  bool TakeToken(State& state);
  void TellOfRefusal();

  const Context& context_;
  const std::string config_file_;
  bool uses_tls_ = false;
  std::mutex mutex_;
  std::shared_ptr<State> state_;  // guarded by mutex_, and so is the rest
  std::vector<Stamp> stamps_;
  double tokens_ = 0;
  MonotonicTime tokens_at_{};
  uint64_t refused_ = 0;  // since the last line about it
  MonotonicTime told_{};
};

// For `check web-config`: all that can be wrong with a file and the files that it names.
Status CheckWebConfig(const Context& context, const std::string& config_file);

}  // namespace etcdrill::report
