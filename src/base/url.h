// Addresses as people write them: flags, environment and configuration take and refuse the same.
// The rules are those of etcd's own tools and of Go's net package; tests/e2e/test_addresses.py
// compares with the real ones.
//
// A port is a number. An IPv6 address stands in brackets; more than one colon without them is no
// host. The scheme may be written in capitals. Blanks around an item of a list do not count, and
// empty items are passed over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace etcdrill {

struct HostPort {
  enum class Kind { kName, kIpv4, kIpv6, kAll };
  Kind kind = Kind::kAll;
  std::string host;  // without brackets; IPv6 with its zone, "fe80::1%eth0"; empty of kAll
  uint16_t port = 0;
};

enum class Scheme { kNone, kHttp, kHttps, kUnix, kUnixs };

struct Url {
  Scheme scheme = Scheme::kNone;
  std::string text;  // as written, but for blanks around it and capitals in the scheme
  HostPort at;       // of http, https and none
  std::string path;  // of unix and unixs
};

// All errors are kUsage, with what is wrong and what would be right.

// What an etcd client connects to: https://HOST:PORT, http://HOST:PORT, both with a slash behind or
// not, HOST:PORT, unix:///PATH. Port 0 is refused.
Result<Url> ParseClientUrl(std::string_view text);
// What a member of etcd is reached by: http, https, unix, unixs; no path behind a port.
Result<Url> ParsePeerUrl(std::string_view text);
// What is listened on: HOST:PORT, or :PORT for all addresses of the machine; port 0 is any free
// one.
Result<HostPort> ParseListenAddress(std::string_view text);

// The items of a comma-separated list.
std::vector<std::string> SplitList(std::string_view text);

}  // namespace etcdrill
