// Test data, read and written without our own io/, so that a defect there can't hide.
#include "support/snapshots.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/check.h"
#include "crypto/hash.h"

namespace etcdrill::testing {
namespace {
constexpr size_t kTrailerBytes = 32;
}

std::vector<std::string> SnapshotNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(ETCDRILL_TEST_DATA)) {
    if (entry.path().extension() == ".db") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  CHECK(!names.empty());
  return names;
}

std::string SnapshotPath(std::string_view name) {
  return std::string(ETCDRILL_TEST_DATA "/").append(name) + ".db";
}

std::string SnapshotFactsPath(std::string_view name) {
  return std::string(ETCDRILL_TEST_DATA "/").append(name) + ".json";
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  CHECK(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  CHECK(out.good());
}

std::string WithRightTrailer(std::string_view snapshot) {
  const std::string_view body = snapshot.substr(0, snapshot.size() - kTrailerBytes);
  Sha256 sum;
  sum.Update(body);
  return std::string(body) + sum.Finish();
}

}  // namespace etcdrill::testing
