// The signature is over one spelling of the document, which does not depend on the order of its
// fields or on white space: so a manifest that went through a JSON tool keeps it. Fields that we do
// not know are signed with the rest.
#include "sites/copy_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json_reader.h"
#include "base/text.h"
#include "crypto/base64.h"

namespace etcdrill::sites {
namespace {

using objects::Lock;

constexpr const char* kSignatureField = "signature";
constexpr size_t kShownKeyMax = 64;

struct EncodingWord {
  std::string_view word;
  Encoding encoding;
};
constexpr std::array kEncodingWords = {
    EncodingWord{"none", {false, false}}, EncodingWord{"zst", {true, false}},
    EncodingWord{"age", {false, true}}, EncodingWord{"zst.age", {true, true}}};

std::string_view WordOf(const Encoding& encoding) {
  const auto at = std::ranges::find(kEncodingWords, encoding, &EncodingWord::encoding);
  return at->word;
}

Json LockJson(const std::optional<Lock>& lock) {
  if (!lock.has_value()) return nullptr;
  return {{"mode", NameOf(lock->mode)}, {"until", FormatRfc3339(lock->until)}};
}

Json LinkJson(const std::optional<store::DrillLink>& link) {
  if (!link.has_value()) return nullptr;
  return {{"name", link->name}, {"sha256", link->sha256}};
}

Json UnsignedJson(const CopyRecord& record) {
  Json json = ToJson(record.manifest);
  json.update({{"copy", record.copy},
               {"object",
                {{"key", record.key()},
                 {"size", record.size_bytes},
                 {"sha256", record.sha256},
                 {"etag", record.etag},
                 {"version_id", record.version_id},
                 {"encoding", WordOf(record.encoding)},
                 {"recipients", record.recipients},
                 {"lock", LockJson(record.lock)},
                 {"nonce", record.nonce}}},
               {"writer", record.writer},
               {"last_drill", LinkJson(record.last_drill)}});
  return json;
}

// What is signed. nlohmann::json sorts keys, and writes a number so that it reads back as itself.
std::string SignedBytes(Json json) {
  json.erase(kSignatureField);
  return nlohmann::json(json).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void ReadLock(JsonReader& reader, Lock& lock) {
  reader.Read("mode", lock.mode);
  reader.Read("until", lock.until);
}

void ReadLink(JsonReader& reader, store::DrillLink& link) {
  reader.Read("name", link.name);
  reader.Read("sha256", link.sha256);
}

struct ObjectFields {
  std::string key;
  std::string encoding;
};

void ReadObjectOf(JsonReader& reader, CopyRecord& record, ObjectFields& fields) {
  reader.Read("key", fields.key);
  reader.Read("size", record.size_bytes);
  reader.Read("sha256", record.sha256);
  reader.Read("etag", record.etag);
  reader.Read("version_id", record.version_id);
  reader.Read("encoding", fields.encoding);
  reader.ReadRecord<Lock>("lock", record.lock, ReadLock);
  reader.Read("nonce", record.nonce);
}

bool ReadRecipients(const Json& object, std::vector<std::string>& recipients) {
  const auto list = object.find("recipients");
  if (list == object.end() || !list->is_array()) return false;
  for (const Json& recipient : *list) {
    if (!recipient.is_string()) return false;
    recipients.push_back(recipient.get<std::string>());
  }
  return true;
}

bool IsHexSha256(std::string_view text) {
  constexpr size_t kDigits = 64;
  return text.size() == kDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status CheckNames(const CopyRecord& record, const std::string& key, std::string_view copy) {
  if (record.copy != copy)
    return Error(Reason::kDamaged, "it is the manifest of another copy, {}", Shown(record.copy));
  if (SnapshotOfCopy(copy) != record.manifest.name)
    return Error(Reason::kDamaged, "it is the manifest of another snapshot, {}",
                 Shown(record.manifest.name));
  if (key != record.key())
    return Error(Reason::kDamaged, "its bytes would lie under {}, and must lie under {}",
                 Shown(key), record.key());
  return OkStatus();
}

Result<CopyRecord> ReadRecord(const Json& json, std::string_view text, std::string_view copy) {
  CopyRecord record;
  ASSIGN_OR_RETURN(record.manifest, ParseManifest(text));
  ObjectFields fields;
  JsonReader reader(json);
  reader.Read("copy", record.copy);
  reader.ReadObject("object", [&](JsonReader& object) { ReadObjectOf(object, record, fields); });
  reader.Read("writer", record.writer);
  reader.ReadRecord<store::DrillLink>("last_drill", record.last_drill, ReadLink);
  RETURN_IF_ERROR(reader.status());
  if (!ReadRecipients(json["object"], record.recipients))
    return Error(Reason::kDamaged, "field \"recipients\" is missing or has the wrong type");
  if (!IsHexSha256(record.sha256))
    return Error(Reason::kDamaged, "field \"sha256\" of \"object\" is no SHA-256");
  const auto word = std::ranges::find(kEncodingWords, fields.encoding, &EncodingWord::word);
  if (word == kEncodingWords.end())
    return Error(Reason::kDamaged, "its encoding \"{}\" is none that this version knows",
                 Shown(fields.encoding));
  record.encoding = word->encoding;
  RETURN_IF_ERROR(CheckNames(record, fields.key, copy));
  return record;
}

struct FoundSignature {
  bool is_there = false;
  std::string key;    // its Id(), as the document has it
  std::string bytes;  // empty if there are none that can be read
};

FoundSignature SignatureIn(const Json& json) {
  FoundSignature found;
  const auto at = json.find(kSignatureField);
  if (at == json.end() || at->is_null()) return found;
  found.is_there = true;
  if (!at->is_object()) return found;
  std::string base64;
  JsonReader reader(*at);
  reader.ReadIf("key", found.key);
  reader.ReadIf("ed25519", base64);
  found.bytes = DecodeBase64(base64).value_or("");
  return found;
}

Status TrustIn(const Json& json, const FoundSignature& signature, std::string_view copy,
               std::span<const VerifyingKey> known) {
  if (known.empty()) return OkStatus();
  if (!signature.is_there) {
    return Error(Reason::kNotProvable,
                 "nobody signed the manifest of {}; set `signing.key_file` where copies are made",
                 copy);
  }
  const std::string bytes = SignedBytes(json);
  const auto verifies = [&](const VerifyingKey& key) {
    return signature.bytes.size() == SigningKey::kSignatureBytes &&
           key.Verifies(bytes, signature.bytes);
  };
  if (std::ranges::any_of(known, verifies)) return OkStatus();
  const std::string id = Shown(std::string_view(signature.key).substr(0, kShownKeyMax));
  const bool is_known = std::ranges::any_of(
      known, [&](const VerifyingKey& key) { return key.Id() == signature.key; });
  if (is_known) {
    return Error(Reason::kNotProvable,
                 "the signature of the manifest of {} is wrong, though it names the known key {}: "
                 "somebody changed the manifest; look who may write to the site",
                 copy, id);
  }
  return Error(Reason::kNotProvable,
               "the manifest of {} is signed by \"{}\", which is no known key; if its owner may "
               "write here, add the public key to `signing.signers_file`",
               copy, id);
}

}  // namespace

std::string CopyRecordJson(const CopyRecord& record, const std::optional<SigningKey>& key) {
  Json json = UnsignedJson(record);
  if (key.has_value()) {
    // As a reader will find it.
    const std::string bytes = SignedBytes(ParseJson(Dump(json)));
    json[kSignatureField] = {{"key", key->verifying_key().Id()},
                             {"ed25519", EncodeBase64(key->Sign(bytes))}};
  }
  return Dump(json) + "\n";
}

Result<ReadCopy> ParseCopyRecord(std::string_view text, std::string_view copy,
                                 std::span<const VerifyingKey> known) {
  const Json json = ParseJson(text);
  if (!json.is_object()) return Error(Reason::kDamaged, "not the manifest of a copy");
  ASSIGN_OR_RETURN(CopyRecord record, ReadRecord(json, text, copy));
  Status trust = TrustIn(json, SignatureIn(json), copy, known);
  return ReadCopy{.record = std::move(record), .trust = std::move(trust)};
}

}  // namespace etcdrill::sites
