// Each assertion costs one Range: a count for a prefix, one key for a key.
#include "drill/assertions.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <utility>

#include "base/bytes.h"

namespace etcdrill::drill {
namespace {

// The end of the range of all keys with this prefix (docs/dev/formats.md §3.2).
std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (prefix.empty()) return std::string(1, '\0');
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

Result<AssertionFacts> Ask(const etcd::ScratchClient& client, const config::Assertion& a,
                           int64_t revision) {
  const bool one_key = !a.key.empty();
  const etcd::RangeQuery query = one_key ? etcd::RangeQuery{.key = a.key, .revision = revision}
                                         : etcd::RangeQuery{.key = a.prefix,
                                                            .range_end = PrefixEnd(a.prefix),
                                                            .revision = revision,
                                                            .count_only = true};
  ASSIGN_OR_RETURN(auto answer, client.endpoint().Range(query));
  AssertionFacts facts{.keys = static_cast<uint64_t>(answer.count), .value = std::nullopt};
  if (one_key && !answer.kvs.empty()) facts.value = std::move(answer.kvs.front().value);
  return facts;
}

// What is wrong; empty if it holds.
std::string WhyNotPrefix(const config::Assertion& a, uint64_t count) {
  const std::string name = Printable(a.prefix);
  if (a.min_keys.has_value() && count < *a.min_keys) {
    return fmt::format("{} has {} keys, at least {} are required", name, count, *a.min_keys);
  }
  if (a.max_keys.has_value() && count > *a.max_keys) {
    return fmt::format("{} has {} keys, at most {} are allowed", name, count, *a.max_keys);
  }
  return "";
}

std::string WhyNotKey(const config::Assertion& a, const std::optional<std::string>& value) {
  const std::string name = Printable(a.key);
  if (!value.has_value()) return a.exists == false ? "" : name + " does not exist";
  if (a.exists == false) return name + " exists";
  if (a.equals.has_value() && *value != *a.equals) {
    return fmt::format("{} has a different value, of {} bytes", name, value->size());
  }
  if (a.matches.has_value() && !RE2::PartialMatch(*value, *a.matches)) {
    return fmt::format("the value of {} does not match {}", name, *a.matches);
  }
  return "";
}

std::string Expected(const std::vector<config::Assertion>& assertions) {
  return fmt::format("{} hold", assertions.size());
}

}  // namespace

Check JudgeAssertions(const std::vector<config::Assertion>& assertions,
                      const std::vector<AssertionFacts>& facts) {
  size_t hold = 0;
  std::string broken;
  for (size_t i = 0; i < assertions.size(); ++i) {
    const config::Assertion& a = assertions[i];
    const std::string why =
        a.key.empty() ? WhyNotPrefix(a, facts[i].keys) : WhyNotKey(a, facts[i].value);
    if (why.empty()) {
      ++hold;
    } else {
      broken += "; " + why;
    }
  }
  return {CheckName::kAssertions, broken.empty() ? CheckResult::kPass : CheckResult::kFail,
          Expected(assertions), fmt::format("{} hold{}", hold, broken), OkStatus()};
}

Check CheckAssertions(const etcd::ScratchClient& client,
                      const std::vector<config::Assertion>& assertions, int64_t revision) {
  std::vector<AssertionFacts> all;
  for (const config::Assertion& a : assertions) {
    auto facts = Ask(client, a, revision);
    if (!facts.ok()) {
      return {CheckName::kAssertions, CheckResult::kSkipped, Expected(assertions),
              std::string(MessageOf(facts.status())), facts.status()};
    }
    all.push_back(*std::move(facts));
  }
  return JudgeAssertions(assertions, all);
}

}  // namespace etcdrill::drill
