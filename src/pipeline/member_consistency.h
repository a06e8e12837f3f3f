// Do all members hold the same data? etcd does not ask itself unless told to, and a corrupt member goes on serving
// (formats.md 8). HashKV costs a member a full scan, so one is asked at a time, and rarely.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "capture/receipt.h"
#include "etcd/client.h"
#include "io/context.h"

namespace etcdrill::pipeline {

struct Consistency {
  int64_t revision = 0;  // that all were asked for
  std::vector<capture::ReceiptEntry> members;
  std::optional<bool> equal;  // none: fewer than two answers compare
  std::string text;           // what was found, in words
};

// Only answers with one compact revision compare. Members compact at slightly different moments, so a round whose
// answers do not compare is made again, some times.
Consistency CompareMembers(const Context& context, const etcd::Client& client);

// The judgement on the answers of one round.
void JudgeConsistency(Consistency& round);

}  // namespace etcdrill::pipeline
