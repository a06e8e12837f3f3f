// Writes the inputs that a fuzz run starts from: make_seeds DIRECTORY fills a subdirectory for each
// target. Databases are tiny, with pages of 1 KiB, because a fuzzer is as fast as its inputs are
// small.
#include <filesystem>
#include <utility>

#include "crypto/age/stream.h"
#include "fuzz/age_identity.h"
#include "fuzz/signing_key.h"
#include "io/zstd.h"
#include "sites/copy_record.h"
#include "support/bolt_builder.h"
#include "support/made_copy.h"
#include "support/snapshots.h"

namespace etcdrill::testing {
namespace {

void Write(const std::filesystem::path& dir, const std::string& name, std::string_view bytes) {
  std::filesystem::create_directories(dir);
  WriteFile((dir / name).string(), bytes);
}

LeafItem Tombstone(int64_t main, std::string_view key) {
  LeafItem row = PutRow(main, "");
  row.key += 't';
  row.value = std::string("\x0a") + static_cast<char>(key.size()) + std::string(key);
  return row;
}

// Compacted at revision 4, with a delete, a lease and an alarm.
std::string CompactedDatabase() {
  BoltBuilder builder(1024);
  const std::vector<LeafItem> rows = {PutRow(3, "a"), PutRow(4, "b"), PutRow(5, "c"),
                                      Tombstone(6, "key-3")};
  const LeafItem compacted = PutRow(4, "");
  const std::vector<LeafItem> meta = {{"consistent_index", std::string("\0\0\0\0\0\0\0\x09", 8)},
                                      {"finishedCompactRev", compacted.key},
                                      {"scheduledCompactRev", compacted.key},
                                      {"storageVersion", "3.6.0"}};
  const std::vector<LeafItem> lease = {{std::string("\0\0\0\0\0\0\0\x07", 8), "\x08\x07\x10\x3c"}};
  const std::vector<LeafItem> alarm = {{std::string("\x08\x1f\x10\x01"), ""}};
  const std::vector<LeafItem> auth = {{"authEnabled", "\x01"}};
  const std::vector<LeafItem> root = {{"alarm", InlineBucket(alarm), 1},
                                      {"auth", InlineBucket(auth), 1},
                                      {"key", BucketValue(builder.AddTree(rows, 2)), 1},
                                      {"lease", InlineBucket(lease), 1},
                                      {"meta", InlineBucket(meta), 1}};
  const uint64_t root_page = builder.AddLeaf(root);
  return builder.Finish(root_page);
}

// A branch with one child too many: the first page that is not there.
std::string BeyondDatabase() {
  BoltBuilder builder(1024);
  const std::vector<LeafItem> rows = {PutRow(2, "a")};
  const uint64_t leaf = builder.AddLeaf(rows);
  const std::vector<BranchItem> children = {{rows[0].key, leaf}, {PutRow(3, "").key, leaf + 3}};
  const std::vector<LeafItem> root = {{"key", BucketValue(builder.AddBranch(children)), 1},
                                      {"meta", InlineBucket({}), 1}};
  const uint64_t root_page = builder.AddLeaf(root);
  return builder.Finish(root_page);
}

// What a writer of age or zstd makes of these bytes.
template <typename Writer, typename First>
std::string MadeBy(First first, std::string_view bytes) {
  std::string out;
  Writer writer(std::move(first), [&out](std::string_view piece) {
    out += piece;
    return OkStatus();
  });
  const bool made = writer.Append(bytes).ok() && writer.Finish().ok();
  return made ? out : "";
}

void WriteFilters(const std::filesystem::path& dir) {
  const AgeIdentity identity = FuzzIdentity();
  const std::vector<AgeRecipient> one = {identity.recipient()};
  const std::vector<AgeRecipient> two = {AgeIdentity::Make().recipient(), identity.recipient()};
  Write(dir / "age", "one", MadeBy<AgeWriter>(one, "sealed"));
  Write(dir / "age", "two", MadeBy<AgeWriter>(two, std::string(2000, 'x')));
  Write(dir / "age", "keys", "# a pair\n" + identity.Text() + "\n" + one[0].Text() + "\n");
  std::string counted;
  for (int i = 0; i < 500; ++i) counted += std::to_string(i * i);
  const std::optional<uint64_t> unknown;
  Write(dir / "zstd", "sized",
        MadeBy<ZstdWriter>(std::optional<uint64_t>(counted.size()), counted));
  Write(dir / "zstd", "unsized", MadeBy<ZstdWriter>(unknown, counted));
  Write(dir / "zstd", "two",
        MadeBy<ZstdWriter>(unknown, "one") + MadeBy<ZstdWriter>(unknown, std::string(99, 'x')));
}

void WriteCopyRecords(const std::filesystem::path& dir) {
  sites::CopyRecord record = MadeCopyRecord();
  Write(dir, "signed", sites::CopyRecordJson(record, FuzzSigningKey()));
  Write(dir, "unsigned", sites::CopyRecordJson(record, {}));
  Write(dir, "bytes-key", record.key());
  Write(dir, "manifest-key", sites::ManifestKey(record.copy));
  Write(dir, "checks-key", sites::ChecksKey(record.copy, record.writer));
  Write(dir, "drill-key", sites::DrillKey(record.writer, record.last_drill->name));
  record.encoding = {};
  record.recipients.clear();
  record.lock.reset();
  record.last_drill.reset();
  Write(dir, "bare", sites::CopyRecordJson(record, FuzzSigningKey()));
}

void WriteAll(const std::filesystem::path& dir) {
  WriteFilters(dir);
  WriteCopyRecords(dir / "copy_record");
  const TinySnapshotOptions small{.page_size = 1024, .rows = 4, .value_bytes = 5, .leaf_rows = 2};
  TinySnapshotOptions with_freelist = small;
  with_freelist.freelist = true;
  TinySnapshotOptions with_overflow = small;
  with_overflow.rows = 2;
  with_overflow.value_bytes = 1500;
  TinySnapshotOptions empty = small;
  empty.rows = 0;
  const std::vector<std::pair<std::string, std::string>> databases = {
      {"small", TinyDatabase(small)},
      {"freelist", TinyDatabase(with_freelist)},
      {"overflow", TinyDatabase(with_overflow)},
      {"empty", TinyDatabase(empty)},
      {"compacted", CompactedDatabase()},
      {"child-beyond-the-end", BeyondDatabase()}};
  for (const auto& [name, bytes] : databases) {
    Write(dir / "bbolt", name, bytes);
    Write(dir / "verify", name, WithTrailer(bytes));
  }
  const LeafItem put = PutRow(300, "value");
  Write(dir / "mvcc", "put", put.value);
  Write(dir / "mvcc", "revision", put.key);
  Write(dir / "mvcc", "tombstone", Tombstone(5, "key").key);
  Write(dir / "mvcc", "unknown-fields",
        put.value + "\x38\x01\x42\x02xy\x4d\1\2\3\4\x51\1\2\3\4\5\6\7\x08");
}

}  // namespace
}  // namespace etcdrill::testing

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  etcdrill::testing::WriteAll(argv[1]);
  return 0;
}
