// The manifest of a copy: what comes back out of it, who is taken at his word, and that neither a
// changed byte nor the manifest of something else is.
#include "sites/copy_record.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "crypto/base64.h"
#include "support/catch.h"
#include "support/made_copy.h"

namespace etcdrill::sites {
namespace {

using Catch::Matchers::ContainsSubstring;
using testing::MadeCopyRecord;

const std::string kRecordedCopy = MadeCopyRecord().copy;

std::string WithField(const std::string& text, const std::string& pointer, const Json& value) {
  Json json = Json::parse(text);
  json[Json::json_pointer(pointer)] = value;
  return Dump(json);
}

std::string WithoutField(const std::string& text, const std::string& object,
                         const std::string& field) {
  Json json = Json::parse(text);
  json[Json::json_pointer(object)].erase(field);
  return Dump(json);
}

void CheckSameRecord(const CopyRecord& a, const CopyRecord& b) {
  CHECK(a.manifest == b.manifest);
  CHECK(a.copy == b.copy);
  CHECK(a.encoding == b.encoding);
  CHECK(a.size_bytes == b.size_bytes);
  CHECK(a.sha256 == b.sha256);
  CHECK(a.etag == b.etag);
  CHECK(a.version_id == b.version_id);
  CHECK(a.nonce == b.nonce);
  CHECK(a.recipients == b.recipients);
  CHECK(a.lock == b.lock);
  CHECK(a.writer == b.writer);
  REQUIRE(a.last_drill.has_value() == b.last_drill.has_value());
  if (!a.last_drill.has_value()) return;
  CHECK(a.last_drill->name == b.last_drill->name);
  CHECK(a.last_drill->sha256 == b.last_drill->sha256);
}

void CheckUntrusted(const std::string& text, const std::vector<VerifyingKey>& known,
                    const std::string& word) {
  const auto read = ParseCopyRecord(text, kRecordedCopy, known);
  REQUIRE(read.ok());
  CHECK(Is(read->trust, Reason::kNotProvable));
  CHECK_THAT(std::string(MessageOf(read->trust)), ContainsSubstring(word));
}

void CheckNoRecord(const std::string& text, const std::string& word) {
  const auto read = ParseCopyRecord(text, kRecordedCopy, {});
  CHECK(Is(read, Reason::kDamaged));
  CHECK_THAT(std::string(MessageOf(read.status())), ContainsSubstring(word));
}

TEST_CASE("a record comes back as it was, whatever it leaves out") {
  CopyRecord record = MadeCopyRecord();
  for (const bool is_bare : {false, true}) {
    if (is_bare) {
      record.encoding = {};
      record.recipients.clear();
      record.lock.reset();
      record.last_drill.reset();
      record.version_id.clear();
      record.manifest.lineage.reset();
    }
    const auto read = ParseCopyRecord(CopyRecordJson(record, {}), kRecordedCopy, {});
    REQUIRE(read.ok());
    CheckSameRecord(read->record, record);
    CHECK(read->trust.ok());
  }
}

TEST_CASE("whoever knows manifests alone reads a record as one, with the snapshot's own name") {
  const CopyRecord record = MadeCopyRecord();
  const auto manifest = ParseManifest(CopyRecordJson(record, SigningKey::Make()));
  REQUIRE(manifest.ok());
  CHECK(*manifest == record.manifest);
}

TEST_CASE("what a known key signed is trusted, also among other keys") {
  const SigningKey key = SigningKey::Make();
  const std::string text = CopyRecordJson(MadeCopyRecord(), key);
  const auto read = ParseCopyRecord(
      text, kRecordedCopy, std::vector{SigningKey::Make().verifying_key(), key.verifying_key()});
  REQUIRE(read.ok());
  CHECK(read->trust.ok());
  CheckSameRecord(read->record, MadeCopyRecord());
}

TEST_CASE("the signature is that of the document without it, keys sorted, without white space") {
  const SigningKey key = SigningKey::Make();
  nlohmann::json json = nlohmann::json::parse(CopyRecordJson(MadeCopyRecord(), key));
  const auto signature = DecodeBase64(json["signature"]["ed25519"].get<std::string>());
  REQUIRE(signature.has_value());
  json.erase("signature");
  CHECK(key.verifying_key().Verifies(json.dump(), *signature));
}

TEST_CASE("a signature outlives what programs do to JSON, and names that are no UTF-8") {
  const SigningKey key = SigningKey::Make();
  CopyRecord record = MadeCopyRecord();
  record.manifest.chosen = "f\xc3\xb6llower \xff \"\\ \x01";
  const std::string text = CopyRecordJson(record, key);
  const nlohmann::json sorted = nlohmann::json::parse(text);
  for (const std::string& rewritten : {text, sorted.dump(), sorted.dump(7, '\t', true)}) {
    const auto read = ParseCopyRecord(rewritten, kRecordedCopy, std::vector{key.verifying_key()});
    REQUIRE(read.ok());
    CHECK(read->trust.ok());
  }
}

TEST_CASE("a manifest that no known key signed says so, and is not damaged") {
  const SigningKey key = SigningKey::Make();
  const SigningKey other = SigningKey::Make();
  const std::vector<VerifyingKey> known = {key.verifying_key()};
  CheckUntrusted(CopyRecordJson(MadeCopyRecord(), {}), known, "nobody signed");
  CheckUntrusted(CopyRecordJson(MadeCopyRecord(), other), known, other.verifying_key().Id());
  const std::string text = CopyRecordJson(MadeCopyRecord(), key);
  CheckUntrusted(WithField(text, "/signature/ed25519", "AAAA"), known, "is wrong");
  CheckUntrusted(WithField(text, "/signature/ed25519", 7), known, "is wrong");
  CheckUntrusted(WithField(text, "/signature", "\x1b[2J"), known, "no known key");
  CheckUntrusted(WithField(text, "/signature", nullptr), known, "nobody signed");
  // Escape sequences of whoever wrote it stay out of the text.
  CheckUntrusted(WithField(text, "/signature", {{"key", "\x1b[2J"}, {"ed25519", ""}}), known,
                 "\\x1b[2J");
}

TEST_CASE("nobody can change a field of a signed manifest, or move its signature to another one") {
  const SigningKey key = SigningKey::Make();
  const std::vector<VerifyingKey> known = {key.verifying_key()};
  const std::string text = CopyRecordJson(MadeCopyRecord(), key);
  const std::string other_sha256 = Hex(Sha256Of("other"));
  for (const auto& [pointer, value] :
       std::vector<std::pair<std::string, Json>>{{"/sha256", other_sha256},
                                                 {"/taken", "2026-11-23T08:00:00Z"},
                                                 {"/duration_seconds", 0.2},
                                                 {"/object/sha256", other_sha256},
                                                 {"/object/version_id", "theirs"},
                                                 {"/object/lock/until", "2026-11-22T08:00:00Z"},
                                                 {"/object/lock", nullptr},
                                                 {"/writer", "node-2-01234567"},
                                                 {"/last_drill", nullptr},
                                                 {"/of_a_later_version", true}}) {
    INFO(pointer);
    CheckUntrusted(WithField(text, pointer, value), known, "is wrong");
  }
}

TEST_CASE("fields of a later version are passed over, and stay signed") {
  const SigningKey key = SigningKey::Make();
  nlohmann::json later = nlohmann::json::parse(CopyRecordJson(MadeCopyRecord(), {}));
  later["parts"] = {1, 2, {{"deep", 1e300}}};
  later["object"]["colour"] = "blue";
  const std::string signature = EncodeBase64(key.Sign(later.dump()));
  later["signature"] = {{"key", key.verifying_key().Id()}, {"ed25519", signature}};
  const std::vector<VerifyingKey> known = {key.verifying_key()};
  const auto read = ParseCopyRecord(later.dump(), kRecordedCopy, known);
  REQUIRE(read.ok());
  CHECK(read->trust.ok());
  CheckSameRecord(read->record, MadeCopyRecord());
  CheckUntrusted(WithField(later.dump(), "/object/colour", "red"), known, "is wrong");
}

TEST_CASE("the manifest of another copy, or of other bytes, is not taken for this one's") {
  const std::string text = CopyRecordJson(MadeCopyRecord(), {});
  const std::string other = CopyName(MadeCopyRecord().manifest.name, 1);
  CHECK(Is(ParseCopyRecord(text, other, {}), Reason::kDamaged));
  CheckNoRecord(WithField(text, "/copy", other), "another copy");
  CheckNoRecord(WithField(text, "/name", "prod-00000000000000001235-20261122T080000Z"),
                "another snapshot");
  CheckNoRecord(WithField(text, "/object/key", BytesKey(other, {true, true})), "must lie under");
  CheckNoRecord(WithField(text, "/object/encoding", "zst"), "must lie under");
  CheckNoRecord(WithField(text, "/object/encoding", "lz4.age"), "encoding \"lz4.age\"");
}

TEST_CASE("what is no manifest of a copy is damaged, with what is wrong") {
  const std::string text = CopyRecordJson(MadeCopyRecord(), {});
  CheckNoRecord("", "not the manifest");
  CheckNoRecord("[]", "not the manifest");
  CheckNoRecord(text.substr(0, text.size() / 2), "not the manifest");
  CheckNoRecord(WithField(text, "/kind", "DrillReport"), "not a snapshot manifest");
  CheckNoRecord(Dump(ToJson(MadeCopyRecord().manifest)), "copy");
  CheckNoRecord(WithoutField(text, "", "sha256"), "sha256");
  CheckNoRecord(WithField(text, "/object", 7), "object");
  CheckNoRecord(WithField(text, "/object/sha256", "abc"), "SHA-256");
  CheckNoRecord(WithField(text, "/object/size", -1), "size");
  CheckNoRecord(WithField(text, "/object/recipients", {7}), "recipients");
  CheckNoRecord(WithField(text, "/object/lock", {{"mode", "soft"}, {"until", ""}}), "mode");
  CheckNoRecord(WithField(text, "/last_drill", {{"name", "x"}}), "sha256");
  for (const char* const field :
       {"key", "size", "sha256", "etag", "version_id", "encoding", "recipients", "nonce"}) {
    INFO(field);
    CheckNoRecord(WithoutField(text, "/object", field), field);
  }
}

TEST_CASE("a manifest that nests without end does not exhaust the stack") {
  const SigningKey key = SigningKey::Make();
  std::string text = CopyRecordJson(MadeCopyRecord(), key);
  const size_t depth = 1'000'000;
  text.replace(0, 1, "{\"x\":" + std::string(depth, '[') + std::string(depth, ']') + ",");
  CHECK(
      Is(ParseCopyRecord(text, kRecordedCopy, std::vector{key.verifying_key()}), Reason::kDamaged));
}

}  // namespace
}  // namespace etcdrill::sites
