// A fetch hashes twice: the object, as it comes, and the snapshot that it unpacks to. The first
// hash tells whether the site or the way is to blame, which no error of age or zstd can tell.
#include "sites/fetch_copy.h"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "io/pace.h"
#include "sites/packing.h"

namespace etcdrill::sites {
namespace {

// What was fetched of an object. One that goes on behind the size that it should have is not
// fetched any further.
struct Arrival {
  uint64_t size = 0;
  bool goes_on = false;
  std::string sha256;  // hex, of `size` bytes
  bool operator==(const Arrival&) const = default;
};

bool IsAsSealed(const Arrival& came, const CopyRecord& record) {
  return !came.goes_on && came.size == record.size_bytes && came.sha256 == record.sha256;
}

std::string TextOf(const Arrival& came, const CopyRecord& record) {
  if (came.goes_on)
    return fmt::format("it has more than the {} bytes that were sealed", record.size_bytes);
  if (came.size != record.size_bytes)
    return fmt::format("it has {} bytes, but {} were sealed", came.size, record.size_bytes);
  return fmt::format("it has SHA-256 {}, but had {} when it was sealed", came.sha256,
                     record.sha256);
}

std::string PlaceOf(const objects::ObjectStore& site, const CopyRecord& record) {
  return fmt::format("{} of {}", record.key(), site.address());
}

// By its version, which nobody can write over. A site that was itself copied from another one has
// other versions, or none; what lies there is held to the hash all the same.
Status GetObject(objects::ObjectStore& site, const CopyRecord& record, const ByteSink& sink) {
  if (!record.version_id.empty() && site.properties().has_versions) {
    const Status got = site.Get(record.key(), {}, sink, record.version_id);
    if (!Is(got, Reason::kNotFound)) return got;
  }
  return site.Get(record.key(), {}, sink);
}

// Fetches the object once, and hands out no more than the bytes that it should have.
Result<Arrival> Receive(const Context& context, objects::ObjectStore& site,
                        const CopyRecord& record, const ByteSink& sink) {
  Arrival came;
  Sha256 sum;
  const Status got = GetObject(site, record, [&](std::string_view bytes) -> Status {
    RETURN_IF_ERROR(context.CheckStop());
    const std::string_view wanted = bytes.substr(0, record.size_bytes - came.size);
    came.size += wanted.size();
    came.goes_on = wanted.size() < bytes.size();
    sum.Update(wanted);
    RETURN_IF_ERROR(sink(wanted));
    return came.goes_on ? Error(Reason::kDamaged, "the object is too long") : OkStatus();
  });
  if (!got.ok() && !came.goes_on) return got;
  came.sha256 = Hex(sum.Finish());
  return came;
}

// `fetch` is called a second time if other bytes came than were sealed.
template <typename Fetch>
Status FetchUntilSure(const Context& context, const objects::ObjectStore& site,
                      const CopyRecord& record, const Fetch& fetch) {
  ASSIGN_OR_RETURN(const Arrival first, fetch());
  if (IsAsSealed(first, record)) return OkStatus();
  ASSIGN_OR_RETURN(const Arrival second, fetch());
  const std::string place = PlaceOf(site, record);
  if (IsAsSealed(second, record)) {
    context.log.Warn("copy came wrong once",
                     {{"object", place},
                      {"first", TextOf(first, record)},
                      {"hint", "bytes change on the way: look at proxies and network cards"}});
    return OkStatus();
  }
  if (second == first) {
    return Error(Reason::kDamaged, "{}: {}; a second fetch brought the same bytes", place,
                 TextOf(first, record));
  }
  return Error(Reason::kIoError,
               "fetch {}: two fetches brought different bytes, and neither those that were sealed; "
               "the way changes them, so nothing is known of the copy. Look at proxies and network "
               "cards",
               place);
}

// The snapshot, as it is unpacked; its file goes with this, unless it is kept.
class FetchedFile {
 public:
  static Result<std::unique_ptr<FetchedFile>> Create(FileSystem& fs, const CopyRecord& record,
                                                     std::span<const AgeIdentity> identities,
                                                     const std::string& path) {
    ASSIGN_OR_RETURN(auto file, fs.Create(path, kPrivateFileMode));
    return std::unique_ptr<FetchedFile>(
        new FetchedFile(fs, record, identities, path, std::move(file)));
  }
  FetchedFile(const FetchedFile&) = delete;
  FetchedFile& operator=(const FetchedFile&) = delete;
  ~FetchedFile() {
    if (!kept_) fs_.Unlink(path_).IgnoreError();
  }

  // An error ends the fetch. What is wrong with the bytes does not: their hash tells whose fault it
  // is.
  Status Take(std::string_view bytes) {
    if (!wrong_.ok()) return OkStatus();
    return PassOver(unpacker_.Append(bytes));
  }

  // For bytes that are those that were sealed: kDamaged if they are not the snapshot.
  Status Keep() {
    if (wrong_.ok()) RETURN_IF_ERROR(PassOver(unpacker_.Finish()));
    if (!wrong_.ok())
      return Error(Reason::kDamaged, "the object is as it was sealed, but can't be unpacked: {}",
                   MessageOf(wrong_));
    if (const std::string sha256 = Hex(sum_.Finish()); sha256 != record_.manifest.sha256)
      return Error(Reason::kDamaged,
                   "the object is as it was sealed, but unpacks to {} bytes with SHA-256 {}, where "
                   "the manifest has {} with {}",
                   size_, sha256, record_.manifest.size_bytes, record_.manifest.sha256);
    kept_ = true;
    return OkStatus();
  }

 private:
  FetchedFile(FileSystem& fs, const CopyRecord& record, std::span<const AgeIdentity> identities,
              std::string path, std::unique_ptr<WritableFile> file)
      : fs_(fs),
        record_(record),
        path_(std::move(path)),
        file_(std::move(file)),
        unpacker_(record.encoding, record.manifest.size_bytes,
                  std::vector<AgeIdentity>(identities.begin(), identities.end()),
                  [this](std::string_view plain) { return Write(plain); }) {}

  Status Write(std::string_view plain) {
    sum_.Update(plain);
    size_ += plain.size();
    written_ = file_->Append(plain);
    return written_;
  }
  Status PassOver(const Status& unpacked) {
    if (!Is(unpacked, Reason::kDamaged) || !written_.ok()) return unpacked;
    wrong_ = unpacked;
    return OkStatus();
  }

  FileSystem& fs_;
  const CopyRecord& record_;
  const std::string path_;
  const std::unique_ptr<WritableFile> file_;
  Unpacker unpacker_;
  Sha256 sum_;
  uint64_t size_ = 0;
  Status written_;  // by the last call
  Status wrong_;    // with the bytes
  bool kept_ = false;
};

Status CheckRoomFor(FileSystem& fs, const CopyRecord& record, const std::string& path) {
  constexpr uint64_t kMargin = uint64_t{64} << 20;  // for whoever else writes there
  const std::string dir = DirName(path);
  ASSIGN_OR_RETURN(const SpaceInfo space, fs.Space(dir));
  const uint64_t needed = record.manifest.size_bytes + kMargin;
  if (space.available_bytes >= needed) return OkStatus();
  return Error(
      Reason::kNoSpace,
      "fetch copy {}: directory {} has {} bytes free, but {} are needed. Free space there, "
      "or take another directory",
      record.copy, dir, space.available_bytes, needed);
}

}  // namespace

Status FetchCopy(const Context& context, objects::ObjectStore& site, const CopyRecord& record,
                 std::span<const AgeIdentity> identities, const std::string& path,
                 const OnFetched& on_fetched) {
  if (record.encoding.age && identities.empty()) {
    return Error(Reason::kNoIdentity,
                 "fetch {}: it is encrypted, and no identity is given to open it; name its file in "
                 "the configuration of the site",
                 PlaceOf(site, record));
  }
  RETURN_IF_ERROR(CheckRoomFor(context.fs, record, path));
  const std::string place = PlaceOf(site, record);
  std::unique_ptr<FetchedFile> file;
  const auto fetch = [&]() -> Result<Arrival> {
    file.reset();  // the name must be free
    ASSIGN_OR_RETURN(file, FetchedFile::Create(context.fs, record, identities, path));
    uint64_t fetched = 0;
    return Receive(context, site, record, [&](std::string_view bytes) -> Status {
      RETURN_IF_ERROR(Annotate(file->Take(bytes), "fetch {}", place));
      fetched += bytes.size();
      on_fetched(fetched, record.size_bytes);
      return OkStatus();
    });
  };
  RETURN_IF_ERROR(FetchUntilSure(context, site, record, fetch));
  return Annotate(file->Keep(), "{}", place);
}

Status HashCopy(const Context& context, objects::ObjectStore& site, const CopyRecord& record,
                std::optional<uint64_t> bytes_per_second) {
  std::optional<Pace> pace;  // of both fetches
  if (bytes_per_second.has_value()) pace.emplace(context, *bytes_per_second);
  const auto hash_slowly = [&](std::string_view piece) {
    return pace.has_value() ? pace->Keep(piece.size()) : OkStatus();
  };
  return FetchUntilSure(context, site, record,
                        [&] { return Receive(context, site, record, hash_slowly); });
}

}  // namespace etcdrill::sites
