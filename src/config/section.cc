// Each problem is told at the place where the text stands; what is unknown, with the nearest known
// key.
#include "config/section.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "base/text.h"
#include "base/units.h"

namespace etcdrill::config {
namespace {

// What a configuration may not be made of: anchors and aliases, which can make a small text mean a
// huge one, and depths that no setting needs. These are yaml-cpp's events, before its tree is
// built; it refuses by itself what is nested hundreds of levels deep.
class ShapeCheck final : public YAML::EventHandler {
 public:
  explicit ShapeCheck(Problems& problems) : problems_(problems) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { CheckAnchor(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_.Add(mark, "aliases are not supported. Write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string&) override {
    CheckAnchor(mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Enter(mark, anchor);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Enter(mark, anchor);
  }
  void OnMapEnd() override { --depth_; }

 private:
  static constexpr int kDepthMax = 16;

  void CheckAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) problems_.Add(mark, "anchors are not supported");
  }
  void Enter(const YAML::Mark& mark, YAML::anchor_t anchor) {
    CheckAnchor(mark, anchor);
    if (++depth_ == kDepthMax + 1) problems_.Add(mark, "nested too deeply");
  }

  Problems& problems_;
  int depth_ = 0;
};

// May throw what yaml-cpp throws about a text that is no YAML.
void CheckShape(std::string_view text, Problems& problems) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  ShapeCheck check(problems);
  while (parser.HandleNextDocument(check)) {
  }
}

}  // namespace

std::string Problems::At(const YAML::Mark& mark, std::string_view text) const {
  return fmt::format("{}:{}:{}: {}", file_, mark.line + 1, mark.column + 1, Shown(text));
}

Status Problems::ToStatus() const {
  return lines_.empty() ? OkStatus() : Error(Reason::kConfig, "{}", fmt::join(lines_, "\n"));
}

Section::Section(const YAML::Node& node, std::string path, Problems& problems)
    : node_(node), path_(std::move(path)), problems_(problems) {
  if (!node_.IsDefined() || node_.IsNull()) return;
  if (!node_.IsMap()) {
    problems_.Add(node_.Mark(), fmt::format("{} must be a mapping of keys to values",
                                            path_.empty() ? "the file" : path_));
    return;
  }
  is_map_ = true;
}

std::vector<Section> Section::List(const char* key) {
  std::vector<Section> sections;
  const YAML::Node node = Find(key);
  if (!node.IsDefined()) return sections;
  if (!node.IsSequence()) {
    problems_.Add(node.Mark(), fmt::format("{} must be a list", Full(key)));
    return sections;
  }
  for (const YAML::Node& entry : node)
    sections.emplace_back(entry, Full(key), problems_).is_entry_ = true;
  return sections;
}

void Section::Read(const char* key, std::string& out) {
  if (const YAML::Node node = Find(key); IsScalar(node, key, "a string")) out = node.Scalar();
}

void Section::Read(const char* key, std::string& out, CheckText check) {
  const YAML::Node node = Find(key);
  if (IsScalar(node, key, "a string") && Passes(node, key, check(node.Scalar())))
    out = node.Scalar();
}

void Section::Read(const char* key, std::vector<std::string>& out, CheckText check) {
  const YAML::Node node = Find(key);
  if (!node.IsDefined()) return;
  if (!node.IsSequence() || node.size() == 0) {
    problems_.Add(node.Mark(), fmt::format("{} must be a list with at least one entry", Full(key)));
    return;
  }
  out.clear();
  for (const YAML::Node& entry : node) {
    if (IsScalar(entry, key, "a list of strings") && Passes(entry, key, check(entry.Scalar()))) {
      out.push_back(entry.Scalar());
    }
  }
}

void Section::ReadByName(const char* key, std::vector<std::string>& out, CheckText check) {
  const YAML::Node node = Find(key);
  if (!node.IsDefined()) return;
  if (!node.IsMap() || node.size() == 0) {
    problems_.Add(node.Mark(),
                  fmt::format("{} must be a mapping with at least one entry", Full(key)));
    return;
  }
  out.clear();
  for (const auto& entry : node) {
    const YAML::Node& value = entry.second;
    if (IsScalar(value, key, "a mapping of names to strings") &&
        Passes(value, key, check(value.Scalar()))) {
      out.push_back(value.Scalar());
    }
  }
}

void Section::ReadPairs(const char* key, std::vector<std::pair<std::string, std::string>>& out,
                        CheckPair check) {
  const YAML::Node node = Find(key);
  if (!node.IsDefined() || node.IsNull()) return;
  if (!node.IsMap()) {
    problems_.Add(node.Mark(), fmt::format("{} must be a mapping of names to strings", Full(key)));
    return;
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!IsScalar(entry.first, key, "a mapping of names") ||
        !IsScalar(entry.second, key, "a mapping to strings"))
      continue;
    const std::string& name = entry.first.Scalar();
    if (!seen.insert(name).second) {
      problems_.Add(entry.first.Mark(), fmt::format("\"{}\" is set twice in {}", name, Full(key)));
    }
    if (Passes(entry.first, key, check(name, entry.second.Scalar())))
      out.emplace_back(name, entry.second.Scalar());
  }
}

void Section::Read(const char* key, Duration& out) {
  Read<Duration>(key, out, [](std::string_view text) -> Result<Duration> {
    ASSIGN_OR_RETURN(const Duration duration, ParseDuration(text));
    if (duration <= Duration::zero())
      return Error(Reason::kConfig, "must be greater than 0, such as 30m");
    return duration;
  });
}

void Section::AcceptOld(const char* old, const char* key, Duration& out,
                        std::vector<std::string>& warnings) {
  if (!is_map_) return;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar() || entry.first.Scalar() != old) continue;
    if (node_[key].IsDefined()) {
      known_.emplace_back(old);
      problems_.Add(entry.first.Mark(), fmt::format("{} is the old name of {}, which is also set",
                                                    Full(old), Full(key)));
      return;
    }
    warnings.push_back(problems_.At(
        entry.first.Mark(),
        fmt::format("{} is deprecated, use {}: 0.3 rejects the old name", Full(old), Full(key))));
    return Read(old, out);
  }
}

void Section::Complain(std::string_view what) const {
  problems_.Add(node_.Mark(),
                fmt::format("{}{} {}", is_entry_ ? "each entry of " : "", path_, what));
}

void Section::Finish() {
  if (!is_map_) return;
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!seen.insert(key).second)
      problems_.Add(entry.first.Mark(), fmt::format("{} is set twice", Full(key)));
    if (std::ranges::find(known_, key) == known_.end()) {
      problems_.Add(entry.first.Mark(), fmt::format("{} is not a key; {}", Full(key), Advice(key)));
    }
  }
}

YAML::Node Section::Find(const char* key) {
  known_.emplace_back(key);
  return is_map_ ? node_[key] : YAML::Node(YAML::NodeType::Undefined);
}

bool Section::IsScalar(const YAML::Node& node, const char* key, std::string_view what) {
  if (!node.IsDefined()) return false;
  if (node.IsScalar()) return true;
  problems_.Add(node.Mark(), fmt::format("{} must be {}", Full(key), what));
  return false;
}

bool Section::Passes(const YAML::Node& node, const char* key, const Status& status) {
  if (!status.ok()) problems_.Add(node.Mark(), fmt::format("{}: {}", Full(key), MessageOf(status)));
  return status.ok();
}

std::string Section::Full(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::string Section::Advice(std::string_view key) const {
  const std::string nearest = Nearest(key, known_);
  if (!nearest.empty()) return fmt::format("did you mean {}?", nearest);
  return fmt::format("known keys: {}", fmt::join(known_, ", "));
}

Status ReadYaml(std::string_view text, const std::string& file,
                const std::function<void(Section)>& read) {
  Problems problems(file);
  try {
    CheckShape(text, problems);
    if (!problems.ToStatus().ok()) return problems.ToStatus();  // a tree of it might have no end
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1)
      problems.Add(documents[1].Mark(), "second YAML document. Write one document in each file");
    if (!documents.empty()) read(Section(documents[0], "", problems));
  } catch (const YAML::Exception& e) {
    problems.Add(e.mark, e.msg);
  }
  return problems.ToStatus();
}

}  // namespace etcdrill::config
