// Strict reading of YAML. yaml-cpp accepts duplicate keys (the first wins), several documents and
// unknown keys in silence; a mapping is therefore read through Section, which knows every key that
// was asked for, and each problem is told with its place, without control characters. This header
// and what includes it are the only users of yaml-cpp.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace etcdrill::config {

// What is wrong with a file, each with its place.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  void Add(const YAML::Mark& mark, std::string_view text) { lines_.push_back(At(mark, text)); }
  // The text behind its place, as FILE:LINE:COLUMN.
  std::string At(const YAML::Mark& mark, std::string_view text) const;
  Status ToStatus() const;

 private:
  const std::string file_;
  std::vector<std::string> lines_;
};

// One mapping of the file. Every Read names a key and leaves `out` alone where it is missing or
// wrong; Finish reports the keys that nobody named. `problems` must outlive it.
class Section {
 public:
  Section(const YAML::Node& node, std::string path, Problems& problems);

  bool exists() const { return is_map_; }
  // Whether the key is there, with whatever value.
  bool Has(const char* key) { return Find(key).IsDefined(); }
  Section Sub(const char* key) { return {Find(key), Full(key), problems_}; }
  // A list of mappings.
  std::vector<Section> List(const char* key);

  using CheckText = Status (*)(std::string_view);
  void Read(const char* key, std::string& out);
  void Read(const char* key, std::string& out, CheckText check);
  // A list of texts that all pass the check.
  void Read(const char* key, std::vector<std::string>& out, CheckText check);
  // The values of a mapping with names that are the user's own; all pass the check.
  void ReadByName(const char* key, std::vector<std::string>& out, CheckText check);
  // The same with the names; the check is of both.
  using CheckPair = Status (*)(std::string_view name, std::string_view value);
  void ReadPairs(const char* key, std::vector<std::pair<std::string, std::string>>& out,
                 CheckPair check);
  // A duration of zero makes no sense for any key but a jitter, which is read with ParseDuration.
  void Read(const char* key, Duration& out);
  // The name that a key had until 0.2: read with a warning, and a problem where both are there.
  void AcceptOld(const char* old, const char* key, Duration& out,
                 std::vector<std::string>& warnings);

  template <typename T>
  void Read(const char* key, T& out, Result<T> (*parse)(std::string_view)) {
    const YAML::Node node = Find(key);
    if (!IsScalar(node, key, "a word")) return;
    Store(node, key, parse(node.Scalar()), out);
  }
  template <typename T>
  void ReadOptional(const char* key, std::optional<T>& out, Result<T> (*parse)(std::string_view)) {
    T value{};
    const YAML::Node node = Find(key);
    if (!IsScalar(node, key, "a string")) return;
    Store(node, key, parse(node.Scalar()), value);
    out = std::move(value);
  }

  // A problem of the mapping as a whole; for one of List(), of "each entry".
  void Complain(std::string_view what) const;
  void Finish();

 private:
  YAML::Node Find(const char* key);
  bool IsScalar(const YAML::Node& node, const char* key, std::string_view what);
  bool Passes(const YAML::Node& node, const char* key, const Status& status);
  std::string Full(std::string_view key) const;
  std::string Advice(std::string_view key) const;

  template <typename T>
  void Store(const YAML::Node& node, const char* key, Result<T> value, T& out) {
    if (Passes(node, key, value.status())) out = *std::move(value);
  }

  const YAML::Node node_;
  const std::string path_;
  Problems& problems_;
  bool is_map_ = false;
  bool is_entry_ = false;
  std::vector<std::string> known_;
};

// Calls `read` with the root of the one document in `text`; kConfig with all problems, each as
// FILE:LINE:COLUMN.
Status ReadYaml(std::string_view text, const std::string& file,
                const std::function<void(Section)>& read);

}  // namespace etcdrill::config
