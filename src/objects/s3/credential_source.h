// A place that keys may come from: one class a place. Which of them are asked, and in what order,
// says credential_chain.h; how long their answer is kept, refreshing_credentials.h.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/status.h"
#include "objects/s3/credentials.h"

namespace etcdrill::objects {

// The environment of the process, as main read it.
using Environment = std::map<std::string, std::string>;
// Empty if it is not set: what is set to nothing counts as not set.
inline std::string ValueIn(const Environment& environment, const std::string& name) {
  const auto at = environment.find(name);
  return at == environment.end() ? "" : at->second;
}

struct Asked {
  std::optional<Credentials> credentials;
  // Without credentials: what is missing for this place to count ("AWS_ACCESS_KEY_ID is not set").
  // Then the next place is asked.
  std::string why_not;

  static Asked Got(Credentials credentials) { return {std::move(credentials), ""}; }
  static Asked Nothing(std::string why_not) { return {std::nullopt, std::move(why_not)}; }
};

// Not safe for use from several threads.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // Asks now, whatever it answered before. An error means that this place is set up, and does not
  // give any: no other one is asked then. kCredentials for what trying again does not mend.
  virtual Result<Asked> Ask() = 0;
};

}  // namespace etcdrill::objects
