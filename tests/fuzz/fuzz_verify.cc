// The whole verifier on any bytes, and HashKV of them. Beyond not crashing: a file that is whole in
// memory always gets a report; only a right trailer makes it proven; a damage has a finding; the
// report can be printed; and HashKV agrees with the report.
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "crypto/hash.h"
#include "support/memory_file_system.h"
#include "support/open_snapshot.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill {
namespace {

using testing::OpenFile;
using testing::VerifyFile;

constexpr size_t kTrailerBytes = 32;

bool TrailerIsRight(std::string_view bytes) {
  if (bytes.size() % 512 != kTrailerBytes) return false;
  Sha256 sum;
  sum.Update(bytes.substr(0, bytes.size() - kTrailerBytes));
  return bytes.ends_with(sum.Finish());
}

void Fuzz(const Context& context, std::string_view bytes) {
  const auto report = VerifyFile(context, "snapshot.db");
  CHECK(report.ok());
  CHECK(report->verdict() != Verdict::kProven || TrailerIsRight(bytes));
  CHECK((report->verdict() == Verdict::kDamaged) == (report->findings.errors() > 0));
  CHECK(!Dump(verify::ToJson(*report)).empty());

  const bool sound = report->levels[Level::kStructure] == LevelResult::kPass;
  const auto newest = verify::HashKvOf(context, OpenFile(context, "snapshot.db"), 0, {});
  // A sound file that is not of an etcd has no bucket to hash.
  CHECK(newest.ok() || !sound || ReasonOf(newest.status()) == Reason::kNotProvable);
  if (!sound || report->levels[Level::kKeyspace] != LevelResult::kPass) return;
  CHECK(newest->hash == report->keyspace->hashkv.hash &&
        newest->revision == report->keyspace->hashkv.revision);
  const int64_t middle =
      newest->compact_revision + (newest->revision - newest->compact_revision) / 2;
  CHECK(verify::HashKvOf(context, OpenFile(context, "snapshot.db"), newest->revision, middle).ok());
}

}  // namespace
}  // namespace etcdrill

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const etcdrill::testing::TestContext real;
  static etcdrill::testing::MemoryFileSystem fs;
  const etcdrill::Context& seams = real.context();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fs.Serve(bytes);
  etcdrill::Fuzz({fs, seams.clock, seams.random, seams.processes, seams.log, seams.stop}, bytes);
  return 0;
}
