// The bbolt reader on any bytes: metas, then the walk over all that they lead to. Beyond not
// crashing: a file that is whole in memory can always be read, what is handed out lies where it is
// said to lie, and over a sound structure the walk of one bucket gives what the walk of all gave.
#include <map>
#include <utility>

#include "base/check.h"
#include "format/bbolt/database.h"
#include "format/bbolt/meta.h"
#include "support/memory_file_system.h"

namespace etcdrill {
namespace {

class Collector final : public bbolt::Visitor {
 public:
  explicit Collector(std::string_view file) : file_(file) {}

  void OnBucket(std::string_view name) override { bucket_ = &buckets[std::string(name)]; }
  void OnPairs(std::span<const bbolt::Pair> pairs) override {
    for (const bbolt::Pair& pair : pairs) OnPair(pair);
  }
  void OnPair(const bbolt::Pair& pair) {
    CHECK(pair.offset <= file_.size() && file_.substr(pair.offset).starts_with(pair.key));
    CHECK(!pair.key.empty());
    CHECK(bucket_->empty() || bucket_->back().first < pair.key);
    bucket_->emplace_back(pair.key, pair.value);
  }

  using Pairs = std::vector<std::pair<std::string, std::string>>;
  std::map<std::string, Pairs> buckets;

 private:
  const std::string_view file_;
  Pairs* bucket_ = nullptr;
};

void Fuzz(std::string_view bytes) {
  testing::MemoryFileSystem fs;
  fs.Serve(bytes);
  const auto file = fs.OpenForReading("");
  Findings findings;
  const auto database = bbolt::Database::Open(**file, bytes.size(), findings);
  CHECK(database.ok());
  if (!database->has_value()) return;
  Collector all(bytes);
  const uint64_t errors = findings.errors();
  CHECK((*database)->WalkAll(findings, all).ok());
  if (findings.errors() > errors) return;
  for (const auto& [name, pairs] : all.buckets) {
    Collector::Pairs expected = pairs;
    const std::string from = pairs.empty() ? "" : pairs[pairs.size() / 2].first;
    expected.erase(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(pairs.size() / 2));
    Collector one(bytes);
    CHECK((*database)->WalkBucket(name, from, bbolt::Direction::kForwards, one).ok());
    CHECK(one.buckets[name] == expected);
  }
}

}  // namespace
}  // namespace etcdrill

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  etcdrill::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
