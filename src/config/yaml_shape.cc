// yaml-cpp's events, before its tree is built. It refuses by itself what is nested hundreds of
// levels deep.
#include "config/yaml_shape.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace etcdrill::config {
namespace {

constexpr int kDepthMax = 16;

class ShapeCheck final : public YAML::EventHandler {
 public:
  explicit ShapeCheck(Problems& problems) : problems_(problems) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { CheckAnchor(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_.Add(mark, "an alias; write the value out");
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
  void CheckAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) problems_.Add(mark, "an anchor; there are no aliases here");
  }
  void Enter(const YAML::Mark& mark, YAML::anchor_t anchor) {
    CheckAnchor(mark, anchor);
    if (++depth_ == kDepthMax + 1) problems_.Add(mark, "nested too deeply");
  }

  Problems& problems_;
  int depth_ = 0;
};

}  // namespace

void CheckShape(std::string_view text, Problems& problems) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  ShapeCheck check(problems);
  while (parser.HandleNextDocument(check)) {
  }
}

}  // namespace etcdrill::config
