#include "store/drill_mark.h"

#include <fmt/format.h>

namespace etcdrill::store {

constexpr std::string_view kMarkSuffix = ".begun";
constexpr uint64_t kMarkBytesMax = uint64_t{64} << 10;

Result<std::unique_ptr<DrillMark>> DrillMark::Leave(const Context& context, const std::string& dir,
                                                    const std::string& text) {
  const std::string path =
      JoinPath(dir, fmt::format(".{:016x}{}", context.random.Next(), kMarkSuffix));
  ASSIGN_OR_RETURN(auto file, context.fs.Create(path, kPrivateFileMode));
  // From here on the destructor removes it.
  std::unique_ptr<DrillMark> mark(new DrillMark(context, path, std::move(file)));
  RETURN_IF_ERROR(mark->file_->Append(text));
  RETURN_IF_ERROR(mark->file_->Sync());
  RETURN_IF_ERROR(context.fs.SyncDir(dir));
  return mark;
}

DrillMark::DrillMark(const Context& context, std::string path, std::unique_ptr<WritableFile> file)
    : context_(context),
      path_(std::move(path)),
      file_(std::move(file)),
      on_stop_(context.stop, [this] {
        context_.fs.Unlink(path_).IgnoreError();  // the destructor tries again, and can sync
      }) {}

DrillMark::~DrillMark() {
  Status removed = context_.fs.Unlink(path_);
  if (removed.ok() || ReasonOf(removed) == Reason::kNotFound)
    removed = context_.fs.SyncDir(DirName(path_));
  if (!removed.ok()) {
    context_.log.Warn(
        "drill mark not removed",
        {{"err", MessageOf(removed)},
         {"hint", "if its report is not kept either, the next start reports the drill as killed"}});
  }
}

Status TakeDeadMarks(const Context& context, const std::string& dir,
                     const std::function<Status(const std::string& text)>& tell) {
  ASSIGN_OR_RETURN(const auto names, context.fs.List(dir));
  for (const std::string& name : names) {
    if (!name.starts_with('.') || !name.ends_with(kMarkSuffix)) continue;
    const std::string path = JoinPath(dir, name);
    const auto lock = context.fs.Lock(path);
    if (Is(lock, Reason::kBusy)) continue;  // it runs
    RETURN_IF_ERROR(lock.status());
    ASSIGN_OR_RETURN(const std::string text, context.fs.ReadWhole(path, kMarkBytesMax));
    if (!text.empty()) RETURN_IF_ERROR(tell(text));
    RETURN_IF_ERROR(context.fs.Unlink(path));
    RETURN_IF_ERROR(context.fs.SyncDir(dir));
  }
  return OkStatus();
}

}  // namespace etcdrill::store
