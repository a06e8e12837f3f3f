// Whether there is TLS at all is settled at start: a file that loses its tls_server_config while it
// is edited must not make the port speak plain text.
#include "http/guard.h"

#include <algorithm>
#include <chrono>

#include "http/access.h"
#include "http/front/tls.h"

namespace etcdrill::http {

using namespace std::chrono_literals;

constexpr Duration kTellEvery = 1min;

struct Guard::State {
  State(WebConfig c, Random& random) : config(std::move(c)), access(config.users, random) {}
  const WebConfig config;
  Access access;
  std::shared_ptr<const TlsServer> tls;  // null without TLS
};

Guard::Guard(const Context& context, std::string config_file, ParseConfig parse)
    : context_(context), config_file_(std::move(config_file)), parse_(parse) {}
Guard::~Guard() = default;

Result<std::unique_ptr<Guard>> Guard::Create(const Context& context, const std::string& config_file,
                                             ParseConfig parse) {
  std::unique_ptr<Guard> guard(new Guard(context, config_file, parse));
  ASSIGN_OR_RETURN(
      guard->state_,
      Watched<State>::Open(context.fs, {[self = guard.get()] { return self->Files(); },
                                        [self = guard.get()] { return self->Read(); },
                                        [self = guard.get()](const Status& s) { self->Tell(s); }}));
  guard->tokens_ = static_cast<double>(guard->Current()->config.rate_limit.burst);
  guard->tokens_at_ = context.clock.Monotonic();
  return guard;
}

Result<WebConfig> Guard::ReadConfig() const {
  if (config_file_.empty()) return WebConfig();
  const auto text = context_.fs.ReadWhole(config_file_, kWatchedBytesMax);
  RETURN_IF_ERROR(Annotate(text.status(), "web configuration"));
  return parse_(*text, config_file_);
}

Result<std::shared_ptr<Guard::State>> Guard::Read() {
  ASSIGN_OR_RETURN(WebConfig config, ReadConfig());
  auto state = std::make_shared<State>(std::move(config), context_.random);
  if (state->config.tls.has_value()) {
    auto tls = TlsServer::Create(context_.fs, *state->config.tls);
    if (!tls.ok()) return Annotate(tls.status(), config_file_);
    state->tls = *std::move(tls);
  }
  if (uses_tls_.value_or(state->tls != nullptr) != (state->tls != nullptr))
    return Error(Reason::kConfig, "TLS cannot be switched on or off without a restart of etcdrill");
  uses_tls_ = state->tls != nullptr;
  return state;
}

std::vector<std::string> Guard::Files() const {
  std::vector<std::string> files = {config_file_};
  const auto config = ReadConfig();
  if (config.ok() && config->tls.has_value()) {
    for (const auto* pem : {&config->tls->cert, &config->tls->key, &config->tls->client_ca})
      files.push_back(pem->file);
  }
  return files;
}

void Guard::Tell(const Status& read) {
  if (read.ok()) {
    context_.log.Info("web configuration reloaded", {{"file", config_file_}});
  } else {
    context_.log.Error("web configuration rejected, previous one kept", {{"err", MessageOf(read)}});
  }
}

std::shared_ptr<Guard::State> Guard::Current() { return state_->Now(); }

std::unique_ptr<Channel> Guard::ChannelFor(int fd) {
  const auto state = Current();
  return state->tls != nullptr ? state->tls->NewChannel(fd) : MakePlainChannel(fd);
}

// A bucket that fills with one request each interval.
bool Guard::TakeToken(State& state) {
  const RateLimit& limit = state.config.rate_limit;
  if (limit.interval <= Duration::zero()) return true;
  const std::lock_guard lock(mutex_);
  const MonotonicTime now = context_.clock.Monotonic();
  const double filled = tokens_ + SecondsOf(now - tokens_at_) / SecondsOf(limit.interval);
  tokens_ = std::min(static_cast<double>(limit.burst), filled);
  tokens_at_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

// At most a line a minute: whoever guesses passwords must not fill the disk with it.
void Guard::TellOfRefusal() {
  const std::lock_guard lock(mutex_);
  ++refused_;
  const MonotonicTime now = context_.clock.Monotonic();
  if (told_ != MonotonicTime{} && now - told_ < kTellEvery) return;
  context_.log.Warn("web requests rejected: wrong user or password", {{"count", refused_}});
  told_ = now;
  refused_ = 0;
}

std::optional<Response> Guard::Refuse(const Request& request) {
  const auto state = Current();
  if (!TakeToken(*state)) return Response{.status = 429, .body = "too many requests\n"};
  const std::string_view authorization = request.Value("Authorization");
  switch (state->access.Check(authorization)) {
    case Access::Verdict::kGranted:
      return std::nullopt;
    case Access::Verdict::kBusy:
      return Response{
          .status = 429, .body = "too many password checks\n", .headers = {{"Retry-After", "1"}}};
    case Access::Verdict::kRefused:
      break;
  }
  if (!authorization.empty()) TellOfRefusal();
  return Response{.status = 401,
                  .body = "user and password required\n",
                  .headers = {{"WWW-Authenticate", "Basic realm=\"etcdrill\""}}};
}

Headers Guard::ExtraHeaders() { return Current()->config.headers; }

std::optional<Validity> Guard::Certificate() {
  const auto state = Current();
  return state->tls != nullptr ? std::optional(state->tls->certificate()) : std::nullopt;
}

}  // namespace etcdrill::http
