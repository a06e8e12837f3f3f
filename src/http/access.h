// Who may: HTTP basic authentication against bcrypt hashes, as exporter-toolkit does it. A name
// that does not exist takes as long as a wrong password; what bcrypt has said once is remembered,
// because a scrape every 15 s can't cost 70 ms each time.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/random.h"

namespace etcdrill::http {

// Safe for use from any thread.
class Access {
 public:
  enum class Verdict { kGranted, kRefused, kBusy };

  // No users: everybody is granted.
  Access(std::vector<std::pair<std::string, std::string>> users, Random& random);

  // `authorization` is the value of that header, empty if there is none. kBusy: too many wait for
  // bcrypt already.
  Verdict Check(std::string_view authorization);

 private:
  bool Matches(const std::string& user, const std::string& password);

  const std::vector<std::pair<std::string, std::string>> users_;  // name, hash
  const std::string salt_;                                        // of the keys of known_
  const std::string nobody_;                                      // a hash that no password fits
  std::mutex mutex_;
  size_t waiting_ = 0;                           // for bcrypt; guarded by mutex_
  std::unordered_map<std::string, bool> known_;  // guarded by mutex_
  std::mutex bcrypt_mutex_;                      // one at a time: it takes a whole core
};

}  // namespace etcdrill::http
