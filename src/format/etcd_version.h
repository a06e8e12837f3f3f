// The minor version of etcd, which is what its file formats go by: 3.5.16 and 3.5.30 write
// alike, 3.5 and 3.6 do not. Only HashKV has a rule that changed with a patch release.
#pragma once

#include <optional>
#include <string_view>

namespace etcdrill {

// 5 of "3.5", "3.5.16", "v3.5.16" or "3.5.0-rc.1"; none if it is no version of etcd 3. It may be
// newer than any that is known here.
std::optional<int> EtcdMinorOf(std::string_view version);

// The two rules of mvcc/hash_kv.h.
enum class HashRule { kOlder, kSince3434 };  // the second one in 3.5 since 3.5.16
// Which of them this release hashes by; none if that can't be read from it.
std::optional<HashRule> HashRuleOf(std::string_view version);

}  // namespace etcdrill
