// By how much this build is slower than the one that people get: limits on times take it into
// account.
#pragma once

namespace etcdrill::testing {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ETCDRILL_SANITIZED
#endif
#endif

#ifdef ETCDRILL_SANITIZED
inline constexpr int kSlower = 10;
#else
inline constexpr int kSlower = 1;
#endif

}  // namespace etcdrill::testing
