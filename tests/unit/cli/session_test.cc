// A command reads its configuration once, and only if it needs it.
#include "cli/session.h"

#include <fstream>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill::cli {
namespace {

struct Scene {
  void Write(const std::string& text) { std::ofstream(path) << text; }

  etcdrill::testing::TestContext test;
  const std::string path = test.Path("etcdrill.yaml");
  Session session{test.context(), path};
};

TEST_CASE("a configuration that changes meanwhile stays what it was") {
  Scene scene;
  scene.Write("cluster: {name: first, endpoints: [\"a:1\"]}\nstore: {path: one}\n");
  REQUIRE(scene.session.Config().ok());
  scene.Write("cluster: {name: second, endpoints: [\"b:1\"]}\nstore: {path: two}\n");
  const auto store = scene.session.Store();
  REQUIRE(store.ok());
  CHECK((*store)->SnapshotPath("x") == scene.test.Path("one/x.db"));
  CHECK((*scene.session.Config())->cluster.name == "first");
  CHECK(scene.session.Connection({}).value().endpoints == std::vector<std::string>{"a:1"});
  CHECK(*scene.session.Store() == *store);
}

TEST_CASE("what can't be read is told when it is asked for, and asked for again") {
  Scene scene;
  CHECK(scene.session.has_config());
  CHECK(ReasonOf(scene.session.Config().status()) == Reason::kNotFound);
  CHECK(ReasonOf(scene.session.Store().status()) == Reason::kNotFound);
  scene.Write("cluster: {name: later}\n");
  CHECK(scene.session.Config().ok());
}

TEST_CASE("without a file the flags say where the cluster is") {
  const etcdrill::testing::TestContext test;
  Session session(test.context(), "");
  CHECK_FALSE(session.has_config());
  CHECK(session.Connection({.endpoints = {"a:1,b:1"}}).value().endpoints ==
        std::vector<std::string>{"a:1", "b:1"});
}

}  // namespace
}  // namespace etcdrill::cli
