// Files that are no snapshots, as their own tools make them, are called by their names; what says
// nothing of itself is not. The files packed by the real tools are in
// tests/e2e/test_known_faults.py.
#include "format/snapshot/foreign.h"

#include <algorithm>

#include "base/bytes.h"
#include "format/bbolt/layout.h"
#include "format/bbolt/meta.h"
#include "support/bolt_builder.h"
#include "support/catch.h"
#include "support/memory_file_system.h"
#include "support/test_context.h"

namespace etcdrill::snapshot {
namespace {

using namespace std::string_literals;

std::optional<Foreign> Recognized(const std::string& bytes) {
  testing::MemoryFileSystem fs;
  fs.Serve(bytes);
  const auto file = fs.OpenForReading("file");
  REQUIRE(file.ok());
  const auto foreign = RecognizeForeign(**file);
  REQUIRE(foreign.ok());
  return *foreign;
}

TEST_CASE("formats are told by their first bytes") {
  const std::string rest(600, '\x81');
  CHECK(Recognized("\x1f\x8b\x08\0"s + rest) == Foreign::kGzip);
  CHECK(Recognized("PK\x03\x04" + rest) == Foreign::kZip);
  CHECK(Recognized("\xfd"s + "7zXZ\0"s + rest) == Foreign::kXz);
  CHECK(Recognized("\x28\xb5\x2f\xfd" + rest) == Foreign::kZstd);
  CHECK(Recognized("BZh91AY" + rest) == Foreign::kBzip2);
  CHECK(Recognized("\x04\x22\x4d\x18" + rest) == Foreign::kLz4);
  CHECK(Recognized("snapshot.db"s + std::string(246, '\0') + "ustar" + rest) == Foreign::kTar);
  CHECK(Recognized("age-encryption.org/v1\n" + rest) == Foreign::kAge);
  CHECK(Recognized("-----BEGIN PGP MESSAGE-----\n\n" + rest) == Foreign::kOpenPgp);
  CHECK(Recognized("\x85\x02\x0c\x03" + rest) == Foreign::kOpenPgp);
  CHECK(Recognized("\x8c\x0d\x04\x09" + rest) == Foreign::kOpenPgp);
  CHECK(Recognized("Salted__" + rest) == Foreign::kOpenSsl);
  CHECK(Recognized("SQLite format 3\0"s + rest) == Foreign::kSqlite);
  CHECK(Recognized("\x04\0\0\0\0\0\0\x84"s + rest) == Foreign::kWal);
  CHECK(Recognized("<html>no such bucket</html>\n") == Foreign::kText);
  CHECK(Recognized("Gr\xc3\xbc\xc3\x9f from Kiel\n") == Foreign::kText);
}

TEST_CASE("what says nothing of itself may be a damaged snapshot") {
  CHECK_FALSE(Recognized("").has_value());
  CHECK_FALSE(Recognized(std::string(8192, '\0')).has_value());
  CHECK_FALSE(Recognized(std::string(8192, '\xff')).has_value());
  std::string wild(8192, '\0');
  for (size_t i = 0; i < wild.size(); ++i) wild[i] = static_cast<char>(i * 197 + 3);
  CHECK_FALSE(Recognized(wild).has_value());
  CHECK_FALSE(Recognized(testing::TinyDatabase({})).has_value());
}

TEST_CASE("databases of another world are told by a meta that is right in it") {
  std::string database = testing::TinyDatabase({});
  char* const meta = database.data() + bbolt::kPageHeaderBytes;
  SECTION("a later version of the format") {
    meta[bbolt::kMetaVersionAt] = 3;
    CHECK_FALSE(Recognized(database).has_value());  // its checksum is wrong: damaged
    testing::RepairMetaChecksum(database, 0);
    CHECK(Recognized(database) == Foreign::kNewerBolt);
  }
  SECTION("another byte order") {
    const auto swap = [&](size_t at, size_t size) { std::reverse(meta + at, meta + at + size); };
    swap(bbolt::kMetaMagicAt, 4);
    CHECK_FALSE(Recognized(database).has_value());
    const std::string sum = [&] {
      std::string text;
      AppendBE64(text, bbolt::MetaChecksum({meta, bbolt::kMetaBytes}));
      return text;
    }();
    sum.copy(meta + bbolt::kMetaChecksumAt, sum.size());
    CHECK(Recognized(database) == Foreign::kBigEndian);
  }
}

}  // namespace
}  // namespace etcdrill::snapshot
