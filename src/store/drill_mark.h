// drills/.NUMBER.begun: a drill that runs. Whoever is killed in the middle of a drill, for its
// memory above all, can't say so; the file that it leaves behind says it for him. The lock of the
// open file (FileSystem::Create) tells a drill that runs from one that was killed: the kernel drops
// it with the process.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "io/context.h"

namespace etcdrill::store {

// The mark of one drill, from its beginning to its end; the destructor removes it so that it stays
// removed, or a stop request before it, in its thread: who was asked to stop, and is killed because
// that takes too long, did not fail.
class DrillMark {
 public:
  // `text` says which drill it is; it is on the disk when this returns, and after an error nothing
  // stays. `context` must outlive the mark.
  static Result<std::unique_ptr<DrillMark>> Leave(const Context& context, const std::string& dir,
                                                  const std::string& text);
  ~DrillMark();
  DrillMark(const DrillMark&) = delete;
  DrillMark& operator=(const DrillMark&) = delete;

 private:
  DrillMark(const Context& context, std::string path, std::unique_ptr<WritableFile> file);

  const Context& context_;
  const std::string path_;
  const std::unique_ptr<WritableFile> file_;  // open, and so locked
  const std::stop_callback<std::function<void()>> on_stop_;
};

// Calls `tell` with the text of each mark whose drill does not run any more, and removes the mark
// if that succeeds. An error is that of the listing, of a mark that can't be looked at, or the
// first of `tell`; what was not told stays for the next time. After a power loss a mark may be
// found again that was told, or whose drill has ended: `tell` has to know.
Status TakeDeadMarks(const Context& context, const std::string& dir,
                     const std::function<Status(const std::string& text)>& tell);

}  // namespace etcdrill::store
