// Names are PREFIX plus 64 random bits. The lock file lies inside, so it goes with the directory.
#include "io/scratch_dir.h"

#include <fmt/format.h>

namespace etcdrill {
namespace {

constexpr std::string_view kPrefix = "etcdrill-scratch-";
constexpr std::string_view kLockName = ".lock";

void RemoveOwnerless(const Context& context, const std::string& parent) {
  const auto names = context.fs.List(parent);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string path = JoinPath(parent, name);
    // The parent may be /tmp, where anybody can make a directory of that name: only our own are looked into.
    const auto info = context.fs.Stat(path);
    if (!info.ok() || info->is_symlink || !info->is_ours || info->kind != FileInfo::Kind::kDirectory) continue;
    const auto lock = context.fs.Lock(JoinPath(path, kLockName));
    if (!lock.ok()) continue;  // its drill is alive
    const Status removed = context.fs.RemoveAll(path);
    if (removed.ok()) {
      context.log.Info("removed the scratch directory of a drill that was killed", {{"path", path}});
    } else {
      context.log.Warn("can't remove an old scratch directory", {{"path", path}, {"err", MessageOf(removed)}});
    }
  }
}

}  // namespace

Result<std::unique_ptr<ScratchDir>> ScratchDir::Create(const Context& context, const std::string& parent) {
  RETURN_IF_ERROR(context.fs.MakeDirs(parent, kPrivateDirMode));
  RemoveOwnerless(context, parent);
  const std::string path = JoinPath(parent, fmt::format("{}{:016x}", kPrefix, context.random.Next()));
  RETURN_IF_ERROR(context.fs.MakeDirs(path, kPrivateDirMode));
  auto lock = context.fs.Lock(JoinPath(path, kLockName));
  if (!lock.ok()) {
    context.fs.RemoveAll(path).IgnoreError();
    return lock.status();
  }
  return std::unique_ptr<ScratchDir>(new ScratchDir(context.fs, path, *std::move(lock)));
}

ScratchDir::~ScratchDir() { Remove().IgnoreError(); }

Status ScratchDir::Remove() {
  if (lock_ == nullptr) return OkStatus();
  lock_.reset();
  return fs_.RemoveAll(path_);
}

}  // namespace etcdrill
