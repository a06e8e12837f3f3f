// Layout: docs/dev/formats.md §1; rows and buckets: docs/dev/formats.md §2.
#include "support/bolt_builder.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/hash.h"

namespace etcdrill::testing {
namespace {

constexpr size_t kHeaderBytes = 16;
constexpr size_t kElementBytes = 16;
constexpr size_t kChecksumAt = kHeaderBytes + 56;

std::string Header(uint64_t id, uint16_t flags, size_t count, uint64_t overflow) {
  std::string header;
  AppendLE64(header, id);
  AppendLE16(header, flags);
  AppendLE16(header, static_cast<uint16_t>(count));
  AppendLE32(header, static_cast<uint32_t>(overflow));
  return header;
}

// Element table and data, without the page header.
std::string LeafBody(std::span<const LeafItem> items) {
  std::string table;
  std::string data;
  for (const LeafItem& item : items) {
    AppendLE32(table, item.flags);
    AppendLE32(table, static_cast<uint32_t>(items.size() * kElementBytes - (table.size() - 4) +
                                            data.size()));
    AppendLE32(table, static_cast<uint32_t>(item.key.size()));
    AppendLE32(table, static_cast<uint32_t>(item.value.size()));
    data += item.key + item.value;
  }
  return table + data;
}

void AppendVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void AppendBytesField(std::string& out, char tag, std::string_view bytes) {
  out.push_back(tag);
  AppendVarint(out, bytes.size());
  out += bytes;
}

std::string BigEndian(uint64_t value) {
  std::string out;
  AppendBE64(out, value);
  return out;
}

}  // namespace

uint64_t BoltBuilder::Append(std::string page, uint16_t flags, size_t count) {
  const uint64_t id = next_page();
  const uint64_t pages = (kHeaderBytes + page.size() + page_size_ - 1) / page_size_;
  page.insert(0, Header(id, flags, count, pages - 1));
  page.resize(pages * page_size_);
  bytes_ += page;
  return id;
}

uint64_t BoltBuilder::AddLeaf(std::span<const LeafItem> items) {
  return Append(LeafBody(items), 2, items.size());
}

uint64_t BoltBuilder::AddBranch(std::span<const BranchItem> items) {
  std::string table;
  std::string data;
  for (const BranchItem& item : items) {
    AppendLE32(table,
               static_cast<uint32_t>(items.size() * kElementBytes - table.size() + data.size()));
    AppendLE32(table, static_cast<uint32_t>(item.key.size()));
    AppendLE64(table, item.child);
    data += item.key;
  }
  return Append(table + data, 1, items.size());
}

uint64_t BoltBuilder::AddFreelist(std::span<const uint64_t> ids) {
  std::string body;
  if (ids.size() >= 0xFFFF) AppendLE64(body, ids.size());
  for (const uint64_t id : ids) AppendLE64(body, id);
  return Append(body, 0x10, std::min<size_t>(ids.size(), 0xFFFF));
}

uint64_t BoltBuilder::AddFreePage() {
  const uint64_t id = next_page();
  bytes_.append(page_size_, '\x5a');
  return id;
}

uint64_t BoltBuilder::AddTree(std::span<const LeafItem> items, size_t leaf_items) {
  std::vector<BranchItem> level;
  for (size_t i = 0; i < items.size(); i += leaf_items) {
    const auto part = items.subspan(i, std::min(leaf_items, items.size() - i));
    level.push_back({part.front().key, AddLeaf(part)});
  }
  if (level.empty()) return AddLeaf({});
  constexpr size_t kFanOut = 16;
  while (level.size() > 1) {
    std::vector<BranchItem> parents;
    for (size_t i = 0; i < level.size(); i += kFanOut) {
      const auto part = std::span(level).subspan(i, std::min(kFanOut, level.size() - i));
      parents.push_back({part.front().key, AddBranch(part)});
    }
    level = std::move(parents);
  }
  return level.front().child;
}

std::string BoltBuilder::Finish(uint64_t root, uint64_t freelist) const {
  std::string database = bytes_;
  BoltMeta meta{page_size_, root, freelist, next_page()};
  WriteMeta(database, 0, meta);
  --meta.tx_id;
  WriteMeta(database, 1, meta);
  return database;
}

std::string BucketValue(uint64_t root) {
  std::string value;
  AppendLE64(value, root);
  AppendLE64(value, 0);  // sequence
  return value;
}

std::string InlineBucket(std::span<const LeafItem> items) {
  return BucketValue(0) + Header(0, 2, items.size(), 0) + LeafBody(items);
}

void WriteMeta(std::string& database, size_t page, const BoltMeta& meta) {
  std::string bytes = Header(page, 4, 0, 0);
  AppendLE32(bytes, 0xED0CDAED);
  AppendLE32(bytes, 2);
  AppendLE32(bytes, meta.page_size);
  AppendLE32(bytes, 0);
  AppendLE64(bytes, meta.root);
  AppendLE64(bytes, 0);
  AppendLE64(bytes, meta.freelist);
  AppendLE64(bytes, meta.high_water);
  AppendLE64(bytes, meta.tx_id);
  AppendLE64(bytes, 0);
  database.replace(page * meta.page_size, bytes.size(), bytes);
  RepairMetaChecksum(database, page * meta.page_size);
}

void RepairMetaChecksum(std::span<char> database, size_t at) {
  CHECK(at + kChecksumAt + 8 <= database.size());
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = at + kHeaderBytes; i < at + kChecksumAt; ++i) {
    hash = (hash ^ static_cast<unsigned char>(database[i])) * 0x100000001b3;
  }
  std::memcpy(&database[at + kChecksumAt], &hash, sizeof hash);
}

std::string WithTrailer(std::string_view database) {
  Sha256 sum;
  sum.Update(database);
  return std::string(database) + sum.Finish();
}

LeafItem PutRow(int64_t main, std::string_view value) {
  LeafItem row;
  row.key = BigEndian(static_cast<uint64_t>(main)) + '_' + BigEndian(0);
  AppendBytesField(row.value, 0x0a, "key-" + std::to_string(main));
  row.value.push_back(0x10);  // create_revision
  AppendVarint(row.value, static_cast<uint64_t>(main));
  row.value.push_back(0x18);  // mod_revision
  AppendVarint(row.value, static_cast<uint64_t>(main));
  row.value += std::string_view("\x20\x01", 2);  // version 1
  AppendBytesField(row.value, 0x2a, value);
  return row;
}

std::string TinyDatabase(const TinySnapshotOptions& options) {
  BoltBuilder builder(options.page_size);
  std::vector<LeafItem> rows;
  for (int64_t main = 2; main < options.rows + 2; ++main) {
    rows.push_back(
        PutRow(main, std::string(options.value_bytes, static_cast<char>('a' + main % 26))));
  }
  const std::vector<LeafItem> meta = {{"consistent_index", BigEndian(9)}, {"term", BigEndian(2)}};
  const std::vector<LeafItem> members = {
      {"1f", R"({"id":31,"peerURLs":["http://127.0.0.1:1"],"name":"m1"})"}};
  const std::vector<LeafItem> cluster = {{"clusterVersion", "3.5.0"}};
  std::vector<LeafItem> root;
  for (const char* name : {"alarm", "auth", "authRoles", "authUsers"})
    root.push_back({name, InlineBucket({}), 1});
  root.push_back({"cluster", InlineBucket(cluster), 1});
  root.push_back({"key", BucketValue(builder.AddTree(rows, options.leaf_rows)), 1});
  root.push_back({"lease", InlineBucket({}), 1});
  root.push_back({"members", InlineBucket(members), 1});
  root.push_back({"members_removed", InlineBucket({}), 1});
  root.push_back({"meta", InlineBucket(meta), 1});
  const uint64_t root_page = builder.AddLeaf(root);
  if (!options.freelist) return builder.Finish(root_page);
  const std::vector<uint64_t> free_pages = {builder.AddFreePage(), builder.AddFreePage()};
  const uint64_t freelist = builder.AddFreelist(free_pages);
  return builder.Finish(root_page, freelist);
}

}  // namespace etcdrill::testing
