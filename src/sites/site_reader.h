// What a site holds, as far as it was read. The listing tells what is new or another one, by size
// and etag; only that is asked for. Of 10,000 snapshots a round costs as many requests as their
// manifests have pages, and those for what came.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/signature.h"
#include "io/context.h"
#include "objects/object_store.h"
#include "proof/checks.h"
#include "proof/drill_summary.h"
#include "sites/contents.h"
#include "sites/copy_record.h"
#include "store/drill_order.h"

namespace etcdrill::sites {

// By which a listing shows that an object is another one than it was.
struct ObjectMark {
  uint64_t size = 0;
  std::string etag;  // some sites have none
  WallTime modified{};

  static ObjectMark Of(const objects::ObjectInfo& object) {
    return {object.size, object.etag, object.modified};
  }
  bool IsSame(const ObjectMark& other) const {
    if (size != other.size) return false;
    if (etag.empty() || other.etag.empty()) return modified == other.modified;
    return etag == other.etag;
  }
};

struct SeenManifest {
  ObjectMark mark;
  Result<ReadCopy> read;
  std::string sha256;           // raw, of its text; empty if it could not be read
  std::string version_id = {};  // that was asked for, by Pin; else empty
  bool rewritten = false;       // another one lies there now; what was read first counts
};

struct SeenChecks {
  ObjectMark mark;
  Result<Checks> read;
};

struct SeenReport {
  Result<DrillSummary> read;
  std::optional<store::DrillLink> previous;
};

// The bytes of a copy that are not there as its manifest says.
struct SeenBytes {
  std::optional<ObjectMark> listed;  // none: they are gone
  bool by_version = false;           // the version that was sealed is still there
};

struct BytesListing {
  std::map<std::string, uint64_t, std::less<>> sizes;  // by COPY, of those that have a manifest
  std::map<std::string, SeenBytes> odd;                // by COPY
  std::vector<std::string> unsealed;                   // COPY
  std::set<std::string> in_doubt;                      // COPY; nobody asked yet (Contents)
};

struct SiteState {
  std::map<std::string, SeenManifest, std::less<>> manifests;        // by COPY
  std::map<std::string, std::map<std::string, SeenChecks>> checks;   // by COPY, by WRITER
  std::map<std::string, std::map<std::string, SeenReport>> reports;  // by WRITER, by REPORT
  std::vector<Writer> writers;
  std::optional<BytesListing> bytes;  // none: nobody has looked yet

  // Null if there is no manifest of it that can be read.
  const CopyRecord* Find(std::string_view copy) const [[clang::lifetimebound]];
};

// Not thread-safe; `site` must outlive it. After an error what was read until then stays.
class SiteReader {
 public:
  explicit SiteReader(objects::ObjectStore& site) : site_(site) {}

  // Manifests, checks, reports and writers: four listings, and what is new in them.
  Status ReadNew(const Context& context, const std::vector<VerifyingKey>& known);
  // Compares the listing of the bytes with the manifests that were read before it: so each has its
  // bytes, or they are gone. A copy that somebody deletes meanwhile is forgotten.
  Status CheckBytes(const Context& context);
  // By COPY: from now on these versions of their manifests count, and no others; also where the
  // listing lacks them, because a mark hides them.
  Status Pin(const Context& context, std::map<std::string, objects::ObjectInfo> versions);
  // This process deleted the copy.
  void Forget(const std::string& copy);
  bool IsForgotten(const std::string& copy) const { return forgotten_.contains(copy); }
  // Whether a manifest that was known has left the listing since the last call, not by Forget.
  bool TakeLeft() { return std::exchange(has_left_, false); }

  const SiteState& state() const [[clang::lifetimebound]] { return state_; }

 private:
  struct Wanted {
    std::string name;  // of the object
    uint64_t size = 0;
    std::string version_id = {};
  };
  Result<std::string> Read(const Wanted& wanted) const;
  using Marks = std::vector<std::pair<std::string, ObjectMark>>;  // COPY
  Status ReadManifests(const Context& context);
  Status ReadManifests(const Context& context, const Marks& wanted);
  Result<SeenManifest> ReadManifest(const std::string& copy, const ObjectMark& mark) const;
  Result<SeenManifest> ReadManifestOnce(const std::string& copy, const ObjectMark& mark) const;
  Status ReadChecks(const Context& context);
  Status ListWriters();

  // In site_reports.cc.
  struct ReportsInTurn;
  Status ReadReports(const Context& context);
  Status ListReports(std::vector<ReportsInTurn>& turns);
  Result<std::map<std::string, SeenReport>> ReadInTurn(const ReportsInTurn& turn) const;
  Result<SeenReport> ReadReport(const std::string& writer, const std::string& report,
                                uint64_t size) const;

  // In site_bytes.cc.
  struct Confirmed {
    bool deleted = false;          // somebody deleted the copy meanwhile
    std::optional<SeenBytes> odd;  // none: they are there as they were sealed
  };
  Result<Confirmed> Confirm(const CopyRecord& record) const;
  void Postpone(std::vector<const CopyRecord*>& doubts, BytesListing& bytes);
  const SeenBytes* KnownOdd(const std::string& copy, const std::optional<ObjectMark>& listed) const;

  objects::ObjectStore& site_;
  std::vector<VerifyingKey> known_;
  std::map<std::string, objects::ObjectInfo> pinned_;  // by COPY
  std::set<std::string> forgotten_;                    // COPY
  bool has_left_ = false;
  std::string last_confirmed_;  // COPY that was the last to have its turn in CheckBytes
  SiteState state_;
};

// Whether a drill found the content right, or wrong: not what only tells of the place where it ran.
bool TellsOfContent(const DrillSummary& drill);
// What is wrong with one object, and no reason to think that others can't be read.
bool IsOfOneObject(const Status& error);
// It was read, or reading it once more brings the same.
template <typename T>
bool IsSettled(const Result<T>& read) {
  return read.ok() || Is(read, Reason::kDamaged);
}

}  // namespace etcdrill::sites
