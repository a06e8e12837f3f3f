// Directory operations survive whole or not at all, as on a file system with a journal.
#include "support/simulated_disk.h"

#include <algorithm>

namespace etcdrill::testing {
namespace {

void Apply(const Inode::Change& change, Inode::Entries& entries) {
  for (const auto& [name, inode] : change) {
    if (inode == nullptr) {
      entries.erase(name);
    } else {
      entries[name] = inode;
    }
  }
}

Inode::Entries EntriesAfter(const Inode& dir, Survives survives) {
  if (survives == Survives::kNames || survives == Survives::kAll) return dir.entries;
  Inode::Entries entries = dir.synced_entries;
  if (survives == Survives::kNewestName && !dir.changes.empty()) Apply(dir.changes.back(), entries);
  return entries;
}

std::shared_ptr<Inode> CopyOf(const Inode& inode, Survives survives) {
  auto copy = std::make_shared<Inode>();
  copy->is_dir = inode.is_dir;
  copy->number = inode.number;
  copy->modified = inode.modified;
  copy->changed = inode.changed;
  copy->content = survives == Survives::kAll ? inode.content : inode.synced_content;
  copy->synced_content = copy->content;
  for (const auto& [name, child] : EntriesAfter(inode, survives))
    copy->entries[name] = CopyOf(*child, survives);
  copy->synced_entries = copy->entries;
  return copy;
}

void AddPaths(const Inode& dir, const std::string& prefix, std::vector<std::string>& paths) {
  for (const auto& [name, child] : dir.entries) {
    paths.push_back(prefix + name + (child->is_dir ? "/" : ""));
    if (child->is_dir) AddPaths(*child, prefix + name + "/", paths);
  }
}

}  // namespace

SimulatedDisk::SimulatedDisk() : root_(NewInode(true)) {}

SimulatedDisk SimulatedDisk::After(Survives survives) const {
  SimulatedDisk disk;
  disk.root_ = CopyOf(*root_, survives);
  disk.next_number_ = next_number_;
  return disk;
}

std::shared_ptr<Inode> SimulatedDisk::NewInode(bool is_dir) {
  auto inode = std::make_shared<Inode>();
  inode->is_dir = is_dir;
  inode->number = next_number_++;
  inode->modified = WallTime(std::chrono::milliseconds(inode->number));
  inode->changed = inode->modified;
  return inode;
}

std::shared_ptr<Inode> SimulatedDisk::Find(const std::string& path) const {
  std::shared_ptr<Inode> at = root_;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty()) continue;
    const auto next = at->entries.find(name);
    if (next == at->entries.end()) return nullptr;
    at = next->second;
  }
  return at;
}

std::vector<std::string> SimulatedDisk::Paths() const {
  std::vector<std::string> paths;
  AddPaths(*root_, "/", paths);
  return paths;
}

void SimulatedDisk::Change(Inode& dir, const Inode::Change& change) {
  Apply(change, dir.entries);
  dir.changes.push_back(change);
  dir.changed = WallTime(std::chrono::milliseconds(next_number_++));
  dir.modified = dir.changed;
}

}  // namespace etcdrill::testing
