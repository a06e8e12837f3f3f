// What the endpoints that give out keys answer, and how much of it may be told. Containers and
// instances answer in one JSON: AccessKeyId, SecretAccessKey, Token, Expiration.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "objects/s3/credentials.h"

namespace etcdrill::objects {

// The keys of such an answer. `what` was asked; an answer that is none is not quoted, as it may
// hold half of a key. kCredentials if the endpoint says why it has none.
Result<Credentials> ParseGivenKeys(std::string_view body, std::string source,
                                   std::string_view what);

// The same keys, if they are whole and have an end: those of a role always have.
Result<Credentials> CheckGiven(Credentials keys, std::string_view what);

// The beginning of what a server said, for an error; without `secret`, which it may have got from
// us.
std::string Quoted(std::string_view text, std::string_view secret);

}  // namespace etcdrill::objects
