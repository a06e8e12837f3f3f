// The lock is taken right after the directory is made: one that another process sweeps in that
// instant is kBusy, and nothing is lost.
#include "io/scratch_dir.h"

#include <fmt/format.h>

#include <utility>

namespace etcdrill {

void ScratchDir::Sweep(const Context& context, const std::string& parent, std::string_view prefix) {
  const auto names = context.fs.List(parent);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!name.starts_with(prefix)) continue;
    const std::string path = JoinPath(parent, name);
    // The parent may be /tmp, where anybody can make a directory of that name: only our own are
    // looked into.
    const auto info = context.fs.Stat(path);
    if (!info.ok() || info->is_symlink || !info->is_ours ||
        info->kind != FileInfo::Kind::kDirectory)
      continue;
    const auto lock = context.fs.LockExisting(path);
    if (!lock.ok() || *lock == nullptr) continue;  // its owner is alive, or nobody can tell
    const Status removed = context.fs.RemoveAll(path);
    if (removed.ok()) {
      context.log.Info("scratch directory removed", {{"path", path}});
    } else {
      context.log.Warn("scratch directory not removed",
                       {{"path", path}, {"err", MessageOf(removed)}});
    }
  }
}

Result<std::unique_ptr<ScratchDir>> ScratchDir::Create(const Context& context,
                                                       const std::string& parent,
                                                       std::string_view prefix) {
  RETURN_IF_ERROR(context.fs.MakeDirs(parent, kPrivateDirMode));
  Sweep(context, parent, prefix);
  const std::string path =
      JoinPath(parent, fmt::format("{}{:016x}", prefix, context.random.Next()));
  RETURN_IF_ERROR(context.fs.MakeDirs(path, kPrivateDirMode));
  auto lock = context.fs.LockExisting(path);
  if (lock.ok())
    return std::unique_ptr<ScratchDir>(new ScratchDir(context.fs, path, *std::move(lock)));
  // Without its lock the next sweep would take it from us. One that is being swept right now is not
  // ours any more.
  if (ReasonOf(lock.status()) != Reason::kBusy) context.fs.RemoveAll(path).IgnoreError();
  return lock.status();
}

ScratchDir::~ScratchDir() { Remove().IgnoreError(); }

Status ScratchDir::Remove() {
  return std::exchange(ours_, false) ? fs_.RemoveAll(path_) : OkStatus();
}

Status ScratchDir::KeepAs(const std::string& target) {
  RETURN_IF_ERROR(fs_.Rename(path_, target));
  ours_ = false;
  return OkStatus();
}

}  // namespace etcdrill
