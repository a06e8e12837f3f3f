// The names of a site's objects, there and back, and that what others put there is left alone.
#include "sites/layout.h"

#include "objects/names.h"
#include "support/catch.h"

namespace etcdrill::sites {
namespace {

const std::string kNamedSnapshot = "prod-eu.1-00000000000000001234-20261122T080000Z";
const std::string kNamedCopy = kNamedSnapshot + "-00c0ffee";

TEST_CASE("a copy's name is the snapshot's and eight digits, and leads back to it") {
  CHECK(CopyName(kNamedSnapshot, 0xc0ffee) == kNamedCopy);
  CHECK(SnapshotOfCopy(kNamedCopy) == kNamedSnapshot);
  for (const std::string& other :
       {kNamedSnapshot, kNamedSnapshot + "-", kNamedSnapshot + "-00c0ffe",
        kNamedSnapshot + "-00C0FFEE", kNamedSnapshot + "-000c0ffee", kNamedSnapshot + "_00c0ffee",
        std::string("-00c0ffee"), std::string("prod-00c0ffee"), "." + kNamedCopy, "a/" + kNamedCopy,
        std::string()}) {
    INFO(other);
    CHECK_FALSE(SnapshotOfCopy(other).has_value());
  }
}

TEST_CASE("the bytes' name says how they are packed") {
  struct Case {
    Encoding encoding;
    std::string suffix;
  };
  for (const Case& c : {Case{{}, ".db"}, Case{{.zstd = true}, ".db.zst"},
                        Case{{.age = true}, ".db.age"}, Case{{true, true}, ".db.zst.age"}}) {
    INFO(c.suffix);
    const std::string key = BytesKey(kNamedCopy, c.encoding);
    CHECK(key == "snapshots/" + kNamedCopy + c.suffix);
    CHECK(objects::CheckName(key).ok());
    CHECK(ParseBytesKey(key) == BytesName{kNamedCopy, c.encoding});
  }
}

TEST_CASE("what others put beside the bytes of copies is no copy") {
  for (const std::string& key :
       {"snapshots/" + kNamedSnapshot + ".db", "snapshots/" + kNamedCopy,
        "snapshots/" + kNamedCopy + ".db.gz", "snapshots/" + kNamedCopy + ".db.age.zst",
        "snapshots/" + kNamedCopy + ".json", "snapshots/old/" + kNamedCopy + ".db",
        kNamedCopy + ".db", std::string("snapshots/notes.txt"), std::string("snapshots/.db"),
        std::string("snapshots/")}) {
    INFO(key);
    CHECK_FALSE(ParseBytesKey(key).has_value());
  }
}

TEST_CASE("each other name leads back to what it is made of") {
  const std::string report = kNamedSnapshot + "-20261123T010203Z";
  const std::string report_of_copy = kNamedCopy + "-20261123T010203Z";
  const std::string writer = "node-1-01234567";
  CHECK(ManifestKey(kNamedCopy) == "manifests/" + kNamedCopy + ".json");
  CHECK(CopyOfManifestKey(ManifestKey(kNamedCopy)) == kNamedCopy);
  CHECK(ChecksKey(kNamedCopy, writer) == "checks/" + kNamedCopy + "/" + writer + ".json");
  CHECK(ParseChecksKey(ChecksKey(kNamedCopy, writer)) == ByWriter{kNamedCopy, writer});
  CHECK(DrillKey(writer, report) == "drills/" + writer + "/" + report + ".json");
  CHECK(ParseDrillKey(DrillKey(writer, report)) == ByWriter{report, writer});
  CHECK(ParseDrillKey(DrillKey(writer, report_of_copy)) == ByWriter{report_of_copy, writer});
  CHECK(WriterKey(writer) == "writers/" + writer + ".json");
  CHECK(WriterOfKey(WriterKey(writer)) == writer);
}

TEST_CASE("names of others in our folders are nothing of ours") {
  for (const std::string& key :
       {"manifests/" + kNamedSnapshot + ".json", "manifests/" + kNamedCopy,
        "manifests/a/" + kNamedCopy + ".json", "manifests/" + kNamedCopy + ".json.old",
        "snapshots/" + kNamedCopy + ".json"}) {
    INFO(key);
    CHECK_FALSE(CopyOfManifestKey(key).has_value());
  }
  CHECK_FALSE(ParseChecksKey("checks/" + kNamedCopy + ".json").has_value());
  CHECK_FALSE(ParseChecksKey("checks/" + kNamedSnapshot + "/w.json").has_value());
  CHECK_FALSE(ParseChecksKey("checks/" + kNamedCopy + "/a/w.json").has_value());
  CHECK_FALSE(ParseDrillKey("drills/w/notes.json").has_value());
  CHECK_FALSE(ParseDrillKey("drills/w/" + kNamedSnapshot + ".json").has_value());
  CHECK_FALSE(ParseDrillKey("drills/w/" + kNamedSnapshot + "-yesterday.json").has_value());
  CHECK_FALSE(ParseDrillKey("drills/" + kNamedSnapshot + "-20261123T010203Z.json").has_value());
  CHECK_FALSE(WriterOfKey("writers/.json").has_value());
  CHECK_FALSE(WriterOfKey("writers/a/b.json").has_value());
}

TEST_CASE("the longest name of a cluster fits into the names of all objects") {
  const std::string copy =
      CopyName(std::string(64, 'c') + "-00000000000000001234-20261122T080000Z", 1);
  const std::string writer = "0123456789abcdef";
  CHECK(objects::CheckName(BytesKey(copy, {true, true})).ok());
  CHECK(objects::CheckName(ChecksKey(copy, writer)).ok());
  CHECK(objects::CheckName(DrillKey(writer, copy + "-20261123T010203Z")).ok());
}

}  // namespace
}  // namespace etcdrill::sites
