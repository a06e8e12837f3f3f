// One cluster whose tasks a test runs by hand, on a clock that passes only while they sleep. Calls
// to etcd go by the real clock.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "report/cluster_metrics.h"
#include "sidecar/cluster_state.h"
#include "sidecar/drill_turn.h"
#include "sidecar/generation.h"
#include "sidecar/snapshot_follow_up.h"
#include "sidecar/task.h"
#include "store/names.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/fake_etcd.h"
#include "support/test_context.h"

namespace etcdrill::sidecar::testing {

// Of a cluster of two members.
inline void Serve(etcdrill::testing::FakeEtcd& fake, uint64_t member_id, uint64_t leader_id,
                  uint64_t cluster_id = 7, uint32_t hash = 5) {
  fake.Set([=](etcdrill::testing::FakeState& s) {
    s.status = {
        .cluster_id = cluster_id, .member_id = member_id, .revision = 90, .leader_id = leader_id};
    s.membership = {.cluster_id = cluster_id, .members = {{.id = 1}, {.id = 2}}};
    s.hash_kv = {.cluster_id = cluster_id,
                 .member_id = member_id,
                 .hash = hash,
                 .compact_revision = 50,
                 .hash_revision = 90};
    s.count = 1000;
  });
}

struct Scene {
  Scene() {
    settings.config.cluster.name = "c";
    settings.config.store_path = test.Path("store");
    settings.config.drill.scratch_dir = test.Path("scratch");
    settings.connection.endpoints = {"http://127.0.0.1:1"};
    settings.connection.command_timeout = std::chrono::milliseconds(500);
    settings.connection.dial_timeout = std::chrono::milliseconds(500);
    state.SetConfig(std::make_shared<const config::Config>(settings.config));
  }

  // By the settings as they are now, which are in force from here on.
  std::shared_ptr<Generation> Generate() {
    auto made = Generation::Create(test.context(), settings, std::make_shared<etcd::CallCounts>(),
                                   std::make_shared<SiteMeters>());
    REQUIRE(made.ok());
    state.SetConfig((*made)->shared_config());
    return *std::move(made);
  }

  // Puts a snapshot into the store, as another process would; returns its name.
  std::string Add(int64_t revision, Duration age = {}, const std::string& bytes = "bytes") {
    const auto other = *store::LocalStore::Open(context, test.Path("store"));
    Manifest manifest;
    manifest.cluster = "c";
    manifest.revision = revision;
    manifest.place = static_cast<uint64_t>(revision);
    manifest.taken = std::chrono::floor<std::chrono::seconds>(clock.Now() - age);
    manifest.name = store::SnapshotName("c", revision, manifest.taken);
    manifest.size_bytes = bytes.size();
    Sha256 sum;
    sum.Update(bytes);
    manifest.sha256 = Hex(sum.Finish());
    manifest.verdict = Verdict::kProven;
    auto file = DurableFile::Create(test.fs(), other->StagingPath());
    REQUIRE(file->Append(bytes).ok());
    REQUIRE(other->Seal(*file, manifest).ok());
    return manifest.name;
  }

  uint64_t Logged(LogLevel level) const { return log.Count(level); }

  etcdrill::testing::TestContext test;
  etcdrill::testing::FakeClock clock{*ParseRfc3339("2026-11-22T08:00:10Z")};
  Logger log{LogLevel::kWarn, LogFormat::kLogfmt, test.clock(), 1};
  std::stop_source stop;
  const Context context = WithClock(test.context(), clock).With(log).With(stop.get_token());
  Settings settings;
  std::unique_ptr<store::LocalStore> store = *store::LocalStore::Open(context, test.Path("store"));
  ClusterState state{context, *store, "c"};
  report::ClusterMetrics metrics{"c", {"http://127.0.0.1:1"}};
  SnapshotFollowUp follow_up{state, metrics};
  DrillTurn drill_turn;
};

}  // namespace etcdrill::sidecar::testing
