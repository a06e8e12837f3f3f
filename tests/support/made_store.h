// A store written row by row, as etcd would write it or as it never would: for tests of the rules
// that a keyspace obeys.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "format/bbolt/writer.h"
#include "support/test_context.h"

namespace etcdrill::testing {

class MadeStore {
 public:
  MadeStore();

  // Each is one write of its own; returns its revision.
  int64_t Put(const std::string& key, const std::string& value, int64_t lease = 0);
  int64_t Delete(const std::string& key);
  // As etcd does since 3.4.34 and 3.5.16: of each key the newest row up to `revision` stays, if
  // that is a put or lies at `revision` itself.
  void Compact(int64_t revision);
  void AddLease(int64_t id);

  // Rows by what they are, to be taken away or changed behind etcd's back.
  static std::string RowKey(int64_t main, bool tombstone = false, int64_t sub = 0);
  static std::string RowValue(const std::string& key, const std::string& value, int64_t create,
                              int64_t mod, int64_t version, int64_t lease = 0);
  bbolt::BucketContent& rows() { return buckets["key"]; }

  // As a snapshot file, with its trailer.
  std::string Bytes(TestContext& test, uint32_t page_size = 4096);

  std::map<std::string, bbolt::BucketContent> buckets;

 private:
  struct Key {
    int64_t create = 0;
    int64_t version = 0;
  };
  std::map<std::string, Key> keys_;
  int64_t revision_ = 1;
};

}  // namespace etcdrill::testing
