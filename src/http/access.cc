// RFC 7617. The memory holds salted SHA-256 sums, so it gives away no password that a dump of it
// would not give anyway.
#include "http/access.h"

#include <strings.h>

#include <algorithm>

#include "crypto/base64.h"
#include "crypto/hash.h"

namespace etcdrill::http {
namespace {

constexpr size_t kKnownMax = 100;
constexpr size_t kWaitingMax = 4;  // half of the threads: the rest is for those who are known

std::string Draw(Random& random) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += std::to_string(random.Next());
  return bytes;
}

// A well-formed hash of the same cost as the first user's, whose sum nobody knows a password for.
std::string MakeNobody(const std::vector<std::pair<std::string, std::string>>& users,
                       Random& random) {
  if (users.empty()) return "";
  constexpr std::string_view kLetters =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string hash = users.front().second.substr(0, 29);  // scheme, cost, salt
  while (hash.size() < 60) hash += kLetters[random.Next() % kLetters.size()];
  return hash;
}

std::pair<std::string, std::string> ParseBasic(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  if (authorization.size() < kScheme.size() ||
      strncasecmp(authorization.data(), kScheme.data(), kScheme.size()) != 0) {
    return {};
  }
  const auto pair = DecodeBase64(authorization.substr(kScheme.size()));
  const size_t colon = pair.has_value() ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return {};
  return {pair->substr(0, colon), pair->substr(colon + 1)};
}

}  // namespace

Access::Access(std::vector<std::pair<std::string, std::string>> users, Random& random)
    : users_(std::move(users)), salt_(Draw(random)), nobody_(MakeNobody(users_, random)) {}

bool Access::Matches(const std::string& user, const std::string& password) {
  const auto at = std::ranges::find_if(users_, [&](const auto& u) { return u.first == user; });
  const bool exists = at != users_.end();
  const std::lock_guard lock(bcrypt_mutex_);
  return BcryptMatches(password, exists ? at->second : nobody_) && exists;
}

Access::Verdict Access::Check(std::string_view authorization) {
  if (users_.empty()) return Verdict::kGranted;
  if (authorization.empty()) return Verdict::kRefused;
  const auto [user, password] = ParseBasic(authorization);
  if (user.empty() || password.find('\0') != std::string::npos) return Verdict::kRefused;
  Sha256 sum;
  sum.Update(salt_);
  sum.Update(authorization);
  const std::string key = sum.Finish();
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = known_.find(key); at != known_.end()) {
      return at->second ? Verdict::kGranted : Verdict::kRefused;
    }
    if (waiting_ == kWaitingMax) return Verdict::kBusy;
    ++waiting_;
  }
  const bool granted = Matches(user, password);
  const std::lock_guard lock(mutex_);
  --waiting_;
  // Wrong guesses, which anybody can make, must not push out the right passwords.
  if (known_.size() >= kKnownMax)
    std::erase_if(known_, [](const auto& entry) { return !entry.second; });
  if (known_.size() >= kKnownMax) known_.clear();
  known_[key] = granted;
  return granted ? Verdict::kGranted : Verdict::kRefused;
}

}  // namespace etcdrill::http
