// Two answers compare only at one revision and one compact revision. Members compact while they are
// asked, so the file is hashed as compacted as each of them is: the recipe of docs/dev/formats.md
// §5.5.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "format/snapshot/image.h"
#include "io/context.h"
#include "verify/verify.h"

namespace etcdrill::crosscheck {

// Not thread-safe. `context` and `image` must outlive it.
class HashComparer {
 public:
  // `head` is what is known of the file at its own revision.
  HashComparer(const Context& context, const snapshot::Image& image, const mvcc::HashKv& head)
      : context_(context), image_(image), head_(head) {}

  // The file, to match with what a member answers; none if that is of another revision, or the
  // member is less compacted than the file. An error says that the file can't be hashed.
  Result<std::optional<mvcc::HashKv>> FileFor(const mvcc::HashKv& answer) {
    const int64_t compacted = answer.compact_revision;
    if (answer.revision != head_.revision || compacted < head_.compact_revision)
      return std::optional<mvcc::HashKv>();
    if (compacted == head_.compact_revision && head_.Is(answer.hash)) return std::optional(head_);
    // Most members are compacted alike: the file is read once for all of them.
    const auto known = hashes_.find(compacted);
    if (known != hashes_.end()) return std::optional(known->second);
    ASSIGN_OR_RETURN(const mvcc::HashKv hashkv,
                     verify::HashKvOf(context_, image_, head_.revision, compacted));
    return std::optional(hashes_[compacted] = hashkv);
  }

 private:
  const Context& context_;
  const snapshot::Image& image_;
  const mvcc::HashKv head_;
  std::map<int64_t, mvcc::HashKv> hashes_;  // of the file, by compact revision
};

}  // namespace etcdrill::crosscheck
