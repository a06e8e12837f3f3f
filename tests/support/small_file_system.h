// A real file system of 8 MiB, to fill. The hard fact: only root can mount one; a test that needs
// it is skipped for others.
#pragma once

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "support/catch.h"

namespace etcdrill::testing {

class SmallFileSystem {
 public:
  // Mounted at `path`, which is made.
  explicit SmallFileSystem(std::string path) : path_(std::move(path)) {
    if (geteuid() != 0) SKIP("not root: no file system of limited size");
    REQUIRE(mkdir(path_.c_str(), 0700) == 0);
    REQUIRE(mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=8m,mode=0700") == 0);
  }
  SmallFileSystem(const SmallFileSystem&) = delete;
  SmallFileSystem& operator=(const SmallFileSystem&) = delete;
  ~SmallFileSystem() { umount2(path_.c_str(), MNT_DETACH); }

  std::string Path(const char* name) const { return path_ + "/" + name; }

 private:
  const std::string path_;
};

}  // namespace etcdrill::testing
