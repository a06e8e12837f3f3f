// The calls are those of a run without a fault.
#include "support/every_fault.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "support/catch.h"

namespace etcdrill::testing {
namespace {

// A dead disk, one that went read-only, a full one.
constexpr int kLasting[] = {EIO, EROFS, ENOSPC};

std::vector<Call> Run(const Story& story, const SimulatedDisk& before,
                      const std::optional<Fault>& fault) {
  World world(before.After(Survives::kAll));
  world.fs().Inject(fault);
  const Status status = story.act(world);
  const std::vector<Call> calls = world.fs().calls();
  if (!fault.has_value()) REQUIRE(status.ok());
  for (const Survives survives : kAllWays) {
    INFO(
        "call " << (fault ? static_cast<int>(fault->call) : -1) << " of kind "
                << (fault && fault->call < calls.size() ? static_cast<int>(calls[fault->call]) : -1)
                << ": " << (fault ? std::strerror(fault->error) : "no fault")
                << (fault && fault->lasts ? ", lasts" : "") << "; survives "
                << static_cast<int>(survives) << "; said: " << status.ToString());
    World after(world.disk().After(survives));
    story.check(after, {status, !fault.has_value(), fault.has_value() && fault->lasts, survives});
  }
  return calls;
}

}  // namespace

void World::Write(const std::string& path, std::string_view bytes) {
  REQUIRE(fs_.MakeDirs(DirName(path), kPrivateDirMode).ok());
  const auto file = fs_.Create(path, kPrivateFileMode);
  REQUIRE(file.ok());
  REQUIRE((*file)->Append(bytes).ok());
}

std::string World::Read(const std::string& path) {
  const auto bytes = fs_.ReadWhole(path, uint64_t{1} << 30);
  return bytes.ok() ? *bytes : "unreadable: " + bytes.status().ToString();
}

void UnderEveryFault(const Story& story) {
  World first;
  story.prepare(first);
  const SimulatedDisk before = first.disk().After(Survives::kAll);
  const std::vector<Call> calls = Run(story, before, std::nullopt);
  REQUIRE_FALSE(calls.empty());
  for (uint64_t n = 0; n < calls.size(); ++n) {
    for (const int error : ErrorsOf(calls[n])) {
      Run(story, before, Fault{n, error, false});
      if (std::find(std::begin(kLasting), std::end(kLasting), error) == std::end(kLasting))
        continue;
      Run(story, before, Fault{n, error, true});
    }
  }
}

}  // namespace etcdrill::testing
