// What comes back is the snapshot or an error that tells whose fault it is, and after an error no
// file is there.
#include "sites/fetch_copy.h"

#include <algorithm>
#include <functional>

#include "objects/forwarding.h"
#include "support/fake_clock.h"
#include "support/faulty_objects.h"
#include "support/made_bytes.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "unit/sites/made_copies.h"

namespace etcdrill::sites {
namespace {

using namespace std::chrono_literals;
using testing::FaultyObjects;
using testing::MadeBytes;
using testing::MemoryObjects;
using testing::ObjectCall;
using testing::TestContext;

std::string WithFlippedByte(std::string bytes, size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  return bytes;
}

// Changes what comes, each time as the next of a list says; then no more.
class ChangingObjects final : public objects::ForwardingObjects {
 public:
  using Change = std::function<std::string(std::string)>;
  explicit ChangingObjects(std::unique_ptr<ObjectStore> inner)
      : ForwardingObjects(std::move(inner)) {}

  Status Get(const std::string& name, const objects::ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override {
    std::string bytes;
    RETURN_IF_ERROR(inner().Get(
        name, range,
        [&](std::string_view piece) {
          bytes += piece;
          return OkStatus();
        },
        version_id));
    if (gets < changes.size()) bytes = changes[gets](bytes);
    ++gets;
    for (size_t at = 0; at < bytes.size(); at += 1000)
      RETURN_IF_ERROR(sink(std::string_view(bytes).substr(at, 1000)));
    return OkStatus();
  }

  std::vector<Change> changes;
  size_t gets = 0;
};

struct Fetching {
  explicit Fetching(objects::Properties properties = {}) {
    auto owned = std::make_unique<MemoryObjects>(test.clock(), properties);
    memory = owned.get();
    site = std::make_unique<ChangingObjects>(std::move(owned));
  }

  Status Fetch(const CopyRecord& record, const std::vector<AgeIdentity>& identities = {}) {
    return FetchCopy(test.context(), *site, record, identities, path);
  }
  bool HasFile() { return !test.fs().List(test.dir())->empty(); }
  std::string File() { return testing::ReadFile(path); }
  // Puts other bytes where those of the copy lie.
  void Replace(const CopyRecord& record, std::string_view bytes) {
    PutAt(*memory, record.key(), bytes);
  }

  TestContext test;
  MemoryObjects* memory = nullptr;
  std::unique_ptr<ChangingObjects> site;
  const std::string path = test.Path("fetched.db");
};

TEST_CASE("a copy comes back as the snapshot that it was, however it is packed") {
  Fetching f;
  const AgeIdentity identity = AgeIdentity::Make();
  MadeCopy copy{.plain = MadeBytes(300'000)};
  for (const Encoding& encoding :
       {Encoding{}, Encoding{.zstd = true}, Encoding{.age = true}, Encoding{true, true}}) {
    INFO(encoding.zstd << encoding.age);
    copy.encoding = encoding;
    copy.recipients = {AgeIdentity::Make().recipient(), identity.recipient()};
    const CopyRecord record = Seal(*f.memory, MadeManifest(1), copy, encoding.zstd + 2);
    CopyRecord right = record;
    right.manifest = MadeManifest(1, copy);
    uint64_t so_far = 0;
    const auto on_fetched = [&](uint64_t bytes, uint64_t in_all) {
      CHECK(bytes > so_far);
      CHECK(in_all == right.size_bytes);
      so_far = bytes;
    };
    const std::vector identities = {AgeIdentity::Make(), identity};
    const Status got = FetchCopy(f.test.context(), *f.site, right, identities, f.path, on_fetched);
    INFO(got.ToString());
    REQUIRE(got.ok());
    CHECK(so_far == right.size_bytes);
    CHECK((f.File() == copy.plain));
    REQUIRE(f.test.fs().Unlink(f.path).ok());
    CHECK(HashCopy(f.test.context(), *f.site, right, std::nullopt).ok());
  }
}

TEST_CASE("bytes that are wrong twice are damage, and no file stays") {
  Fetching f;
  const MadeCopy copy{.plain = MadeBytes(50'000)};
  const CopyRecord record = Seal(*f.memory, MadeManifest(1, copy), copy);
  const std::string packed = BytesAt(*f.memory, record.key());
  std::string text;
  SECTION("a bit of them") {
    f.Replace(record, WithFlippedByte(packed, 20'000));
    text = "it has SHA-256";
  }
  SECTION("the end is cut off") {
    f.Replace(record, packed.substr(0, 30'000));
    text = "it has 30000 bytes, but";
  }
  SECTION("there are none") {
    f.Replace(record, "");
    text = "it has 0 bytes, but";
  }
  SECTION("there are more") {
    f.Replace(record, packed + MadeBytes(100'000));
    text = "it has more than the";
  }
  SECTION("those of another copy") {
    const MadeCopy other{.plain = WithFlippedByte(copy.plain, 7)};
    const CopyRecord swapped = Seal(*f.memory, MadeManifest(2, other), other);
    f.Replace(record, BytesAt(*f.memory, swapped.key()));
    text = "it has SHA-256";
  }
  const Status got = f.Fetch(record);
  INFO(got.ToString());
  CHECK(Is(got, Reason::kDamaged));
  CHECK(MessageOf(got).find(text) != std::string::npos);
  CHECK(MessageOf(got).find(record.key() + " of memory") != std::string::npos);
  CHECK(f.site->gets == 2);
  CHECK_FALSE(f.HasFile());
  CHECK(Is(HashCopy(f.test.context(), *f.site, record, std::nullopt), Reason::kDamaged));
}

TEST_CASE("bytes that change on the way are no damage") {
  Fetching f;
  const MadeCopy copy{.plain = MadeBytes(50'000)};
  const CopyRecord record = Seal(*f.memory, MadeManifest(1, copy), copy);
  const auto flip = [](size_t at) {
    return [at](std::string bytes) { return WithFlippedByte(std::move(bytes), at); };
  };
  SECTION("once: the second fetch brings the snapshot") {
    f.site->changes = {flip(10)};
    const Status got = f.Fetch(record);
    INFO(got.ToString());
    REQUIRE(got.ok());
    CHECK((f.File() == copy.plain));
    CHECK(f.site->gets == 2);
  }
  SECTION("twice, each time others") {
    f.site->changes = {flip(10), flip(11)};
    CHECK(Is(f.Fetch(record), Reason::kIoError));
    CHECK_FALSE(f.HasFile());
  }
  SECTION("and cut, then whole") {
    f.site->changes = {[](const std::string& bytes) { return bytes.substr(0, 100); }};
    CHECK(HashCopy(f.test.context(), *f.site, record, std::nullopt).ok());
  }
}

TEST_CASE("what was sealed and is not the snapshot is damage at once") {
  Fetching f;
  const MadeCopy copy{.plain = MadeBytes(50'000), .encoding = {}};
  const MadeCopy other{.plain = MadeBytes(50'001), .encoding = {.zstd = true}};
  CopyRecord record = Seal(*f.memory, MadeManifest(1, copy), copy);
  std::string text = "unpacks to 50000 bytes with SHA-256";
  SECTION("it unpacks to another one") { record.manifest.sha256 = Hex(Sha256Of("another")); }
  SECTION("it unpacks to a longer one") {
    record = Seal(*f.memory, MadeManifest(2, copy), other);
    text = "can't be unpacked";
  }
  SECTION("it is no zstd") {
    record.encoding = {.zstd = true};
    PutAt(*f.memory, record.key(), copy.plain);
    text = "can't be unpacked";
  }
  const Status got = f.Fetch(record);
  INFO(got.ToString());
  CHECK(Is(got, Reason::kDamaged));
  CHECK(MessageOf(got).find("is as it was sealed, but") != std::string::npos);
  CHECK(MessageOf(got).find(text) != std::string::npos);
  CHECK(f.site->gets == 1);
  CHECK_FALSE(f.HasFile());
  CHECK(HashCopy(f.test.context(), *f.site, record, std::nullopt).ok());  // as it lies there
}

TEST_CASE("without its identity a copy can't be opened, which says nothing of its bytes") {
  Fetching f;
  const AgeIdentity identity = AgeIdentity::Make();
  const MadeCopy copy{.plain = MadeBytes(5'000),
                      .encoding = {.zstd = true, .age = true},
                      .recipients = {identity.recipient()}};
  const CopyRecord record = Seal(*f.memory, MadeManifest(1, copy), copy);
  CHECK(Is(f.Fetch(record), Reason::kNoIdentity));
  CHECK(f.site->gets == 0);  // not a byte for nothing
  CHECK(Is(f.Fetch(record, {AgeIdentity::Make()}), Reason::kNoIdentity));
  CHECK_FALSE(f.HasFile());
  CHECK(f.Fetch(record, {identity}).ok());
  CHECK(HashCopy(f.test.context(), *f.site, record, std::nullopt).ok());  // needs no key
}

TEST_CASE("a copy is fetched by the version that was sealed") {
  Fetching f({.has_versions = true});
  const MadeCopy copy{.plain = MadeBytes(5'000)};
  CopyRecord record = Seal(*f.memory, MadeManifest(1, copy), copy);
  SECTION("whoever writes over it") { f.Replace(record, "other bytes"); }
  SECTION("whoever hides it") { REQUIRE(f.memory->Delete(record.key()).ok()); }
  SECTION("and without it where the site is a copy of another site") {
    record.version_id = "of-the-other";
  }
  REQUIRE(f.Fetch(record).ok());
  CHECK((f.File() == copy.plain));
}

TEST_CASE("a site that fails, a copy that is gone, a stop: no file, and the error as it was") {
  Fetching f;
  const MadeCopy copy{.plain = MadeBytes(500'000)};
  CopyRecord record = Seal(*f.memory, MadeManifest(1, copy), copy);
  FaultyObjects faulty(*f.memory);
  const auto fetch = [&] { return FetchCopy(f.test.context(), faulty, record, {}, f.path); };
  SECTION("in the middle") {
    faulty.Inject({{.call = 0, .reason = Reason::kTimeout, .delivered = 100'000}});
    CHECK(Is(fetch(), Reason::kTimeout));
  }
  SECTION("with the last answer") {
    faulty.Inject({{.call = 0, .reason = Reason::kStreamCut, .takes_effect = true}});
    CHECK(Is(fetch(), Reason::kStreamCut));
  }
  SECTION("gone") {
    REQUIRE(f.memory->Delete(record.key()).ok());
    CHECK(Is(fetch(), Reason::kNotFound));
  }
  SECTION("a stop") {
    f.test.stop().request_stop();
    CHECK(IsInterrupted(fetch()));
  }
  CHECK_FALSE(f.HasFile());
}

TEST_CASE("a file that has the name already stays as it is") {
  Fetching f;
  const CopyRecord record = Seal(*f.memory, MadeManifest(1));
  testing::WriteFile(f.path, "mine");
  CHECK(Is(f.Fetch(record), Reason::kAlreadyExists));
  CHECK(f.File() == "mine");
}

TEST_CASE("room is looked for before the first byte comes") {
  Fetching f;
  CopyRecord record = Seal(*f.memory, MadeManifest(1));
  record.manifest.size_bytes = uint64_t{1} << 60;
  const Status got = f.Fetch(record);
  CHECK(Is(got, Reason::kNoSpace));
  CHECK(f.site->gets == 0);
  CHECK_FALSE(f.HasFile());
}

TEST_CASE("a copy is hashed at the pace that it may cost") {
  Fetching f;
  const MadeCopy copy{.plain = MadeBytes(100'000), .encoding = {}};
  const CopyRecord record = Seal(*f.memory, MadeManifest(1, copy), copy);
  testing::FakeClock clock{MadeAt(0)};
  const Context& real = f.test.context();
  const Context context = testing::WithClock(real, clock);
  REQUIRE(HashCopy(context, *f.site, record, 10'000).ok());
  CHECK(clock.passed() == 10s);
}

}  // namespace
}  // namespace etcdrill::sites
