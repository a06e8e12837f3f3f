#include "verify/inventory.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "base/bytes.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/key_index.h"
#include "format/mvcc/row.h"
#include "verify/facts.h"

namespace etcdrill::verify {
namespace {

constexpr std::string_view kKubernetesRoot = "/registry/";
constexpr size_t kNameBytesMax = 128;

// Groups by name, so many at most.
class Groups {
 public:
  InventoryGroup& Get(std::string_view name) {
    name = name.substr(0, kNameBytesMax);
    const auto at = groups_.find(name);
    if (at != groups_.end()) return at->second;
    if (groups_.size() == kInventoryGroupsMax) return other_;
    return groups_[std::string(name)];
  }

  std::vector<InventoryGroup> Finish() && {
    std::vector<InventoryGroup> list;
    for (auto& [name, group] : groups_) {
      group.name = name.empty() ? "(none)" : Printable(name, kNameBytesMax);
      list.push_back(std::move(group));
    }
    std::ranges::stable_sort(list, std::ranges::greater(), &InventoryGroup::bytes);
    if (other_.revisions > 0) {
      other_.name = kOtherGroup;
      list.push_back(std::move(other_));
    }
    return list;
  }

 private:
  std::map<std::string, InventoryGroup, std::less<>> groups_;
  InventoryGroup other_;
};

// Cuts the part up to the next colon off `rest`. Only what a configuration would use as a name is
// taken for one: so nothing of a value that merely looks encrypted can get into a report.
std::string TakeName(std::string_view& rest) {
  constexpr size_t kCharsMax = 64;
  constexpr std::string_view kChars =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
  const size_t colon = rest.substr(0, kCharsMax + 1).find(':');
  if (colon == std::string_view::npos) return "?";
  const std::string_view name = rest.substr(0, colon);
  rest.remove_prefix(colon + 1);
  const bool good = !name.empty() && name.find_first_not_of(kChars) == std::string_view::npos;
  return good ? std::string(name) : "?";
}

class EncryptionKeys {
 public:
  // Whether the value is encrypted.
  bool Count(std::string_view value) {
    constexpr std::string_view kMark = "k8s:enc:";
    if (!value.starts_with(kMark)) return false;
    value.remove_prefix(kMark.size());
    Name name;
    for (std::string& part : name) part = TakeName(value);
    // The providers of Kubernetes; after any other word comes who knows what.
    constexpr std::array<std::string_view, 4> kProviders = {"aescbc", "aesgcm", "kms", "secretbox"};
    if (std::ranges::find(kProviders, name[0]) == kProviders.end()) name = {"?", "?", "?"};
    const auto at = counts_.find(name);
    if (at == counts_.end() && counts_.size() == kEncryptionKeysMax) {
      ++other_;
    } else {
      ++counts_[name];
    }
    return true;
  }

  std::vector<EncryptionKey> Finish() const {
    std::vector<EncryptionKey> list;
    for (const auto& [name, count] : counts_) list.push_back({name[0], name[1], name[2], count});
    std::ranges::stable_sort(list, std::ranges::greater(), &EncryptionKey::live_values);
    if (other_ > 0) list.push_back({std::string(kOtherGroup), "", "", other_});
    return list;
  }

 private:
  using Name = std::array<std::string, 3>;  // provider, version, key
  std::map<Name, uint64_t> counts_;
  uint64_t other_ = 0;
};

class Counter {
 public:
  void Count(const Row& row) {
    const bool encrypted = row.alive && keys_.Count(row.kv.value);
    const auto count = [&](InventoryGroup& group) {
      ++group.revisions;
      group.bytes += row.stored_bytes;
      if (!row.alive) return;
      ++group.live_keys;
      group.live_value_bytes += row.kv.value.size();
      if (encrypted) ++group.encrypted;
    };
    count(total_);
    count(prefixes_.Get(PrefixOf(row.kv.key)));
    if (const auto resource = ResourceOf(row.kv.key); !resource.empty())
      count(resources_.Get(resource));
  }

  Inventory Finish() && {
    total_.name = "total";
    return {std::move(total_), std::move(prefixes_).Finish(), std::move(resources_).Finish(),
            keys_.Finish()};
  }

 private:
  InventoryGroup total_;
  Groups prefixes_;
  Groups resources_;
  EncryptionKeys keys_;
};

}  // namespace

std::string_view PrefixOf(std::string_view key) {
  size_t end = 0;
  for (int directories = 0; directories < 2; ++directories) {
    const size_t slash = key.find('/', end + 1);
    if (slash == std::string_view::npos) break;
    end = slash;
  }
  return key.substr(0, end);
}

std::string_view ResourceOf(std::string_view key) {
  if (!key.starts_with(kKubernetesRoot)) return {};
  const std::string_view path = key.substr(kKubernetesRoot.size());
  const size_t first = path.find('/');
  if (first == std::string_view::npos) return {};
  // A group of the API has dots in its name; `services` keeps two resources, specs and endpoints.
  const std::string_view head = path.substr(0, first);
  if (head.find('.') == std::string_view::npos && head != "services") return head;
  return path.substr(0, path.find('/', first + 1));
}

Result<Inventory> TakeInventory(const Context& context, const snapshot::Image& image) {
  Counter counter;
  RETURN_IF_ERROR(ForEachRow(context, image, [&](const Row& row) { counter.Count(row); }));
  return std::move(counter).Finish();
}

Status ForEachRow(const Context& context, const snapshot::Image& image,
                  const std::function<void(const Row&)>& visit) {
  ASSIGN_OR_RETURN(const Facts facts, RequireFacts(image));
  // As if all of it were compacted: then the index tells of every row whether it is the newest of
  // its key.
  ASSIGN_OR_RETURN(mvcc::KeyIndex index,
                   mvcc::BuildKeyIndex(*facts.database, facts.state, facts.revision, facts.revision,
                                       context.random.Next()));
  return facts.database->ForEachPair(mvcc::kKeyBucket, {}, [&](const bbolt::Pair& pair) {
    const auto row = mvcc::DecodeRevision(pair.key);
    const auto kv = mvcc::DecodeKeyValue(pair.value);
    if (!row.has_value() || !kv.has_value()) return;
    const bool newest = index.OnCompacted(*row, *kv, index.Prepare(kv->key)).standing.newest;
    const bool alive = newest && !row->tombstone && !kv->key.empty();
    visit({*kv, pair.key.size() + pair.value.size(), alive});
  });
}

}  // namespace etcdrill::verify
