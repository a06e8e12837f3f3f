// Each assertion costs one Range: a count for a prefix, one key for a key.
#include "drill/assertions.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/bytes.h"

namespace etcdrill::drill {
namespace {

// The end of the range of all keys with this prefix (formats.md 3.2).
std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (prefix.empty()) return std::string(1, '\0');
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

// What is wrong; empty if it holds. The status is for an etcd that does not answer.
Result<std::string> WhyNotPrefix(const etcd::ScratchClient& client, const config::Assertion& a, int64_t revision) {
  ASSIGN_OR_RETURN(const auto answer,
                   client.endpoint().Range(
                       {.key = a.prefix, .range_end = PrefixEnd(a.prefix), .revision = revision, .count_only = true}));
  const auto count = static_cast<uint64_t>(answer.count);
  const std::string name = Printable(a.prefix);
  if (a.min_keys.has_value() && count < *a.min_keys) {
    return fmt::format("{} has {} keys, at least {} are demanded", name, count, *a.min_keys);
  }
  if (a.max_keys.has_value() && count > *a.max_keys) {
    return fmt::format("{} has {} keys, at most {} are allowed", name, count, *a.max_keys);
  }
  return std::string();
}

Result<std::string> WhyNotKey(const etcd::ScratchClient& client, const config::Assertion& a, int64_t revision) {
  ASSIGN_OR_RETURN(const auto answer, client.endpoint().Range({.key = a.key, .revision = revision}));
  const std::string name = Printable(a.key);
  const bool found = !answer.kvs.empty();
  if (!found) return a.exists == false ? std::string() : name + " is not there";
  if (a.exists == false) return name + " is there";
  const std::string& value = answer.kvs.front().value;
  if (a.equals.has_value() && value != *a.equals) {
    return fmt::format("{} has another value, of {} bytes", name, value.size());
  }
  if (a.matches.has_value() && !RE2::PartialMatch(value, *a.matches)) {
    return fmt::format("the value of {} does not match {}", name, *a.matches);
  }
  return std::string();
}

}  // namespace

Check CheckAssertions(const etcd::ScratchClient& client, const std::vector<config::Assertion>& assertions,
                      int64_t revision) {
  Check check{kAssertionsCheck, CheckResult::kPass, fmt::format("{} hold", assertions.size()), "", OkStatus()};
  size_t hold = 0;
  std::string broken;
  for (const config::Assertion& a : assertions) {
    const Result<std::string> why = a.key.empty() ? WhyNotPrefix(client, a, revision) : WhyNotKey(client, a, revision);
    if (!why.ok()) {
      check.result = CheckResult::kSkipped;
      check.actual = MessageOf(why.status());
      check.unanswered = why.status();
      return check;
    }
    if (why->empty()) {
      ++hold;
    } else {
      broken += "; " + *why;
    }
  }
  if (!broken.empty()) check.result = CheckResult::kFail;
  check.actual = fmt::format("{} hold{}", hold, broken);
  return check;
}

}  // namespace etcdrill::drill
