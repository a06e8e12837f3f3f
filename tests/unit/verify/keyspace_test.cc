// Every rule of L3, broken one at a time in a store that obeys all others: structure and trailer
// are right, so only the rule itself can tell.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "proof/finding_codes.h"
#include "support/catch.h"
#include "support/findings.h"
#include "support/made_store.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "verify/verify.h"

namespace etcdrill {
namespace {

using etcdrill::testing::VerifyFile;
using testing::HasFinding;
using testing::MadeStore;
using testing::TestContext;

verify::VerifyReport Report(TestContext& test, MadeStore& store) {
  const std::string path = test.Path("snapshot.db");
  testing::WriteFile(path, store.Bytes(test));
  auto report = VerifyFile(test.context(), path);
  REQUIRE(report.ok());
  for (const Finding& f : report->findings.kept()) UNSCOPED_INFO(f.code << ": " << f.text);
  return *std::move(report);
}

// The report is damaged for this reason and no other.
void CheckOnly(TestContext& test, MadeStore& store, std::string_view code,
               std::string_view text = "") {
  const auto report = Report(test, store);
  CHECK(report.verdict() == Verdict::kDamaged);
  CHECK(HasFinding(report.findings, code, text));
  for (const Finding& f : report.findings.kept()) {
    if (f.severity == Severity::kError) CHECK(f.code == code);
  }
}

// A warning or a hint beside a proven file.
void CheckTold(TestContext& test, MadeStore& store, std::string_view code,
               std::string_view text = "") {
  const auto report = Report(test, store);
  CHECK(report.verdict() == Verdict::kProven);
  CHECK(HasFinding(report.findings, code, text));
}

// Three keys with a life: a is updated, b is deleted and comes again, c is deleted.
MadeStore Lives() {
  MadeStore store;
  store.Put("a", "1");  // 2
  store.Put("b", "1");  // 3
  store.Put("c", "1");  // 4
  store.Put("a", "2");  // 5
  store.Delete("b");    // 6
  store.Put("a", "3");  // 7
  store.Put("b", "2");  // 8
  store.Delete("c");    // 9
  store.Put("a", "4");  // 10
  return store;
}

TEST_CASE("stores as etcd writes them are proven, whatever was compacted") {
  TestContext test;
  MadeStore store = Lives();
  const int64_t compacted = GENERATE(0, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  if (compacted > 0) store.Compact(compacted);
  const auto report = Report(test, store);
  CHECK(report.verdict() == Verdict::kProven);
  CHECK(report.keyspace->live_keys == 2);
  CHECK(report.keyspace->hashkv.revision == 10);
}

TEST_CASE("a compaction under way may have left superseded rows, oldest first gone") {
  TestContext test;
  MadeStore store = Lives();
  store.buckets["meta"]["scheduledCompactRev"] = MadeStore::RowKey(9);
  // It removes 2, 3, 4, 5, 6, 9 of {2..9}; how far it came must not matter.
  const std::vector<std::pair<int64_t, bool>> goes = {
      {2, false}, {3, false}, {4, false}, {5, false}, {6, true}};
  const size_t gone = GENERATE(range(size_t{0}, size_t{6}));
  for (size_t i = 0; i < gone; ++i)
    store.rows().erase(MadeStore::RowKey(goes[i].first, goes[i].second));
  const auto report = Report(test, store);
  CHECK(report.verdict() == Verdict::kProven);
  CHECK(HasFinding(report.findings, codes::kCompactionPending));
  CHECK(report.keyspace->live_keys == 2);
  // The hash of the live server does not depend on it either.
  MadeStore finished = Lives();
  finished.Compact(9);
  CHECK(report.keyspace->hashkv.hash == Report(test, finished).keyspace->hashkv.hash);
}

TEST_CASE("revisions above the compaction have no gap") {
  TestContext test;
  MadeStore store = Lives();
  SECTION("a lost write") {
    store.rows().erase(MadeStore::RowKey(10));
    store.Put("d", "1");  // 11
    CheckOnly(test, store, codes::kRevisionGap, "revision 11/0 follows revision 9/0");
  }
  SECTION("the first writes are lost") {
    store.rows().erase(MadeStore::RowKey(2));
    CHECK(HasFinding(Report(test, store).findings, codes::kRevisionGap));
  }
  SECTION("a change inside a transaction is lost") {
    store.rows()[MadeStore::RowKey(10, false, 2)] = MadeStore::RowValue("e", "1", 10, 10, 1);
    CheckOnly(test, store, codes::kRevisionGap, "10/2 follows revision 10/0");
  }
  SECTION("a revision is a put and a delete") {
    store.rows()[MadeStore::RowKey(10, true)] = MadeStore::RowValue("b", "", 0, 0, 0);
    CHECK(
        HasFinding(Report(test, store).findings, codes::kRevisionGap, "as a put and as a delete"));
  }
}

TEST_CASE("the versions of a key follow each other") {
  TestContext test;
  MadeStore store = Lives();
  const bool compacted = GENERATE(false, true);
  if (compacted) store.Compact(5);
  CAPTURE(compacted);
  const auto set = [&](int64_t create, int64_t version) {
    store.rows()[MadeStore::RowKey(10)] = MadeStore::RowValue("a", "4", create, 10, version);
  };
  SECTION("as it is") { CHECK(Report(test, store).verdict() == Verdict::kProven); }
  SECTION("a version is left out") {
    set(2, 5);
    CheckOnly(test, store, codes::kVersionChain, "of key a");
  }
  SECTION("a version is there twice") {
    set(2, 3);
    CheckOnly(test, store, codes::kVersionChain, "of key a");
  }
  SECTION("another incarnation") {
    set(3, 4);
    CheckOnly(test, store, codes::kVersionChain, "of key a");
  }
  SECTION("a new key that was never deleted") {
    set(10, 1);
    CheckOnly(test, store, codes::kVersionChain, "without a delete in between");
  }
  SECTION("a later version of a key that nobody made") {
    store.rows()[MadeStore::RowKey(11)] = MadeStore::RowValue("nobody", "1", 2, 11, 2);
    CheckOnly(test, store, codes::kVersionChain,
              "key nobody is version 2, but no earlier revision record");
  }
  SECTION("a delete of a key that nobody made") {
    store.Delete("nobody");
    CheckOnly(test, store, codes::kVersionChain, "key nobody is a delete");
  }
  SECTION("a delete of a key that is deleted already") {
    store.Delete("c");
    CheckOnly(test, store, codes::kVersionChain, "of key c: the key is deleted twice");
  }
  SECTION("a later version after a delete") {
    store.rows()[MadeStore::RowKey(11)] = MadeStore::RowValue("c", "1", 4, 11, 2);
    CheckOnly(test, store, codes::kVersionChain, "of key c");
  }
}

TEST_CASE("what a key was at the compaction has to fit what it was later") {
  TestContext test;
  MadeStore store = Lives();
  store.Compact(7);
  SECTION("the row that a later version builds on is gone") {
    store.rows().erase(MadeStore::RowKey(7));
    CheckOnly(test, store, codes::kVersionChain,
              "key a is version 4, but no earlier revision record");
  }
  SECTION("it is another version") {
    store.rows()[MadeStore::RowKey(7)] = MadeStore::RowValue("a", "3", 2, 7, 2);
    CheckOnly(test, store, codes::kVersionChain, "of key a");
  }
  SECTION("a deleted key was never there") {
    store.rows().erase(MadeStore::RowKey(4));
    CheckOnly(test, store, codes::kVersionChain, "key c is a delete");
  }
}

TEST_CASE("a finished compaction leaves one row a key, and no deletes") {
  TestContext test;
  MadeStore store = Lives();
  store.Compact(9);
  SECTION("a superseded row of a key that was touched later") {
    store.rows()[MadeStore::RowKey(5)] = MadeStore::RowValue("a", "2", 2, 5, 2);
    CheckOnly(test, store, codes::kVersionChain, "of key a");
  }
  SECTION("a superseded row of a key that was not") {
    store.rows()[MadeStore::RowKey(3)] = MadeStore::RowValue("b", "1", 3, 3, 1);
    CheckOnly(test, store, codes::kVersionChain, "at or below the compaction");
  }
  SECTION("a delete below it") {
    store.rows()[MadeStore::RowKey(6, true)] = MadeStore::RowValue("e", "", 0, 0, 0);
    CheckOnly(test, store, codes::kCompactedRow, "a delete of key e");
  }
}

TEST_CASE("the fields of a row fit its revision") {
  TestContext test;
  MadeStore store = Lives();
  const auto row = [&](const std::string& value) { store.rows()[MadeStore::RowKey(11)] = value; };
  SECTION("another mod_revision") { row(MadeStore::RowValue("n", "1", 11, 12, 1)); }
  SECTION("created later") { row(MadeStore::RowValue("n", "1", 12, 11, 1)); }
  SECTION("no version") { row(MadeStore::RowValue("n", "1", 11, 11, 0)); }
  SECTION("the first version of an old key") { row(MadeStore::RowValue("n", "1", 10, 11, 1)); }
  SECTION("no key") { row(MadeStore::RowValue("", "1", 11, 11, 1)); }
  SECTION("nothing at all") { row(""); }
  CHECK(HasFinding(Report(test, store).findings, codes::kKeyValueFields));
}

TEST_CASE("a delete has only a key") {
  TestContext test;
  MadeStore store = Lives();
  store.Delete("a");
  std::string& value = store.rows()[MadeStore::RowKey(11, true)];
  SECTION("a value") { value = MadeStore::RowValue("a", "1", 0, 0, 0); }
  SECTION("a revision") { value = MadeStore::RowValue("a", "", 0, 11, 0); }
  SECTION("a lease") { value = MadeStore::RowValue("a", "", 0, 0, 0, 7); }
  CheckOnly(test, store, codes::kKeyValueFields, "a delete has more than a key");
}

TEST_CASE("the mark of a restore with --bump-revision") {
  TestContext test;
  MadeStore store = Lives();
  store.buckets["meta"]["scheduledCompactRev"] = MadeStore::RowKey(1000);
  SECTION("is an empty row at the compaction") {
    store.rows()[MadeStore::RowKey(1000)] = "";
    const auto report = Report(test, store);
    CHECK(report.verdict() == Verdict::kProven);
    CHECK(report.keyspace->bumped);
    CHECK(report.keyspace->live_keys == 2);
  }
  SECTION("has sub revision 0") {
    store.rows()[MadeStore::RowKey(1000, false, 1)] = "";
    CheckOnly(test, store, codes::kKeyValueFields, "--bump-revision");
  }
}

TEST_CASE("leases") {
  TestContext test;
  MadeStore store = Lives();
  store.AddLease(7);
  SECTION("of a key exist") {
    store.Put("leased", "1", 7);
    CheckTold(test, store, codes::kRestoresWithLeases, "1 lease: after a restore");
    CHECK_FALSE(HasFinding(Report(test, store).findings, codes::kLeaseMissing));
  }
  SECTION("of a key are missing") {
    store.Put("leased", "1", 8);
    CheckTold(test, store, codes::kLeaseMissing, "key leased refers to lease 8");
  }
  SECTION("of an older version may be") {
    store.Put("leased", "1", 8);
    store.Put("leased", "2");
    CHECK_FALSE(HasFinding(Report(test, store).findings, codes::kLeaseMissing));
  }
  SECTION("live for some time") {
    auto& [id, lease] = *store.buckets["lease"].begin();
    lease = lease.substr(0, 2);  // the id alone
    CheckOnly(test, store, codes::kLeaseDecode, "impossible TTL of 0 s");
  }
}

std::string ConfState(const std::string& voters, const std::string& learners = "") {
  return R"({"voters":[)" + voters + R"(],"learners":[)" + learners + R"(],"auto_leave":false})";
}

TEST_CASE("members, the removed ones, and what raft knows") {
  TestContext test;
  MadeStore store = Lives();
  auto& members = store.buckets["members"];
  auto& conf_state = store.buckets["meta"]["confState"];
  members["b2"] = R"({"id":178,"peerURLs":["http://10.0.0.2:2380"],"name":"m2",)"
                  R"("clientURLs":["http://10.0.0.2:2379"]})";
  conf_state = ConfState("161,178");
  SECTION("agree") {
    const auto report = Report(test, store);
    CHECK(report.verdict() == Verdict::kProven);
    CHECK(report.findings.total() == 0);
    CHECK(report.keyspace->members.size() == 2);
  }
  SECTION("a promotion that was not stored") {
    members["b2"].insert(1, R"("isLearner":true,)");
    CheckTold(test, store, codes::kMemberPromotionLost, "3.5.1 to 3.5.19");
  }
  SECTION("a learner that lost its mark") {
    conf_state = ConfState("161", "178");
    CheckTold(test, store, codes::kMemberPromotionLost, "before 3.5.31");
  }
  SECTION("a zombie that raft does not know") {
    conf_state = ConfState("161");
    CheckTold(test, store, codes::kMemberZombie, "member b2 (m2)");
  }
  SECTION("a zombie that was removed") {
    store.buckets["members_removed"]["b2"] = "removed";
    CheckTold(test, store, codes::kMemberZombie, "though it was removed");
  }
  SECTION("a configuration of before a restore says nothing") {
    conf_state = ConfState("12,13");
    CHECK(Report(test, store).findings.total() == 0);
  }
  SECTION("learners only") {
    conf_state = ConfState("", "161,178");
    for (auto& [id, member] : members) member.insert(1, R"("isLearner":true,)");
    CheckTold(test, store, codes::kMembersOdd);
  }
  SECTION("client URLs that were not stored") {
    members["b2"] = R"({"id":178,"peerURLs":["http://10.0.0.2:2380"],"name":"m2"})";
    CheckTold(test, store, codes::kMemberUnpublished, "member b2 (m2)");
  }
  SECTION("a record under another id") {
    members["b3"] = members["b2"];
    CheckOnly(test, store, codes::kMemberDecode);
  }
  SECTION("a removed member of another shape") {
    store.buckets["members_removed"]["0b2"] = GENERATE("removed", "x");
    CheckOnly(test, store, codes::kMemberDecode);
  }
  SECTION("a configuration that does not decode") {
    conf_state = GENERATE("{", "[]", R"({"voters":["161"]})", R"({"voters":[-1]})");
    CheckOnly(test, store, codes::kMemberDecode, "confState");
  }
}

TEST_CASE("the records of meta, auth and cluster") {
  TestContext test;
  MadeStore store = Lives();
  auto& meta = store.buckets["meta"];
  SECTION("no consistent index") {
    meta.erase("consistent_index");
    CheckOnly(test, store, codes::kMetaMissing, "consistent_index");
  }
  SECTION("a storage version, but no term") {
    meta["storageVersion"] = "3.6.0";
    meta.erase("term");
    CheckOnly(test, store, codes::kMetaMissing, "no term");
  }
  SECTION("a number of another size") {
    meta[GENERATE("term", "consistent_index")] = "1234567";
    CheckOnly(test, store, codes::kMetaValue, "expected 8");
  }
  SECTION("a version that is none") {
    store.buckets["cluster"]["clusterVersion"] = "3.5.0-rc\n";
    CheckOnly(test, store, codes::kMetaValue);
  }
  SECTION("a downgrade under way") {
    store.buckets["cluster"]["downgrade"] = R"({"target-version":"3.5.0","enabled":true})";
    CheckTold(test, store, codes::kRestoresWithDowngrade, "a downgrade to 3.5.0");
  }
  SECTION("a downgrade that is none") {
    store.buckets["cluster"]["downgrade"] = R"({"enabled":"yes"})";
    CheckOnly(test, store, codes::kMetaValue, "downgrade");
  }
  SECTION("a compaction with a sub revision") {
    meta["finishedCompactRev"] = meta["scheduledCompactRev"] = MadeStore::RowKey(1, false, 1);
    CheckOnly(test, store, codes::kCompactionState);
  }
  SECTION("a compaction that finished before it was asked for") {
    store.Compact(7);
    meta["scheduledCompactRev"] = MadeStore::RowKey(5);
    CheckOnly(test, store, codes::kCompactionState,
              "compaction 7 is finished, but the newest scheduled one is 5");
  }
  SECTION("rows that end before the compaction") {
    store.Delete("a");  // 11
    store.Compact(11);
    store.rows().erase(MadeStore::RowKey(11, true));  // as etcd before 3.4.34 and 3.5.16 does
    const auto report = Report(test, store);
    CHECK(report.keyspace->hashkv.revision == 11);
    CHECK(report.keyspace->newest_row == 8);
    CHECK_FALSE(HasFinding(report.findings, codes::kRevisionBehindCompaction));
    meta.erase("finishedCompactRev");  // it came to its last row, and not to its end
    CheckTold(test, store, codes::kRevisionBehindCompaction, "3.4.32 and 3.5.14");
  }
  SECTION("authentication without root") {
    store.buckets["auth"]["authEnabled"] = "\x01";
    CheckTold(test, store, codes::kAuthDangling, "user root does not exist");
  }
  SECTION("an authentication that is neither on nor off") {
    store.buckets["auth"]["authEnabled"] = "\x02";
    CheckOnly(test, store, codes::kAuthDecode);
  }
  SECTION("a user with a role that does not exist") {
    // name "u", role "r"
    store.buckets["authUsers"]["u"] = "\x0a\x01u\x1a\x01r";
    CheckTold(test, store, codes::kAuthDangling, "role r");
  }
  SECTION("a user under another name") {
    store.buckets["authUsers"]["v"] = "\x0a\x01u";
    CheckOnly(test, store, codes::kAuthDecode);
  }
  SECTION("a role under another name") {
    store.buckets["authRoles"]["v"] = "\x0a\x01u";
    CheckOnly(test, store, codes::kAuthDecode);
  }
  SECTION("an alarm that is none") {
    store.buckets["alarm"][std::string("\x10")] = "";
    CheckOnly(test, store, codes::kAlarmDecode);
  }
  SECTION("an alarm that only a newer etcd knows") {
    store.buckets["alarm"][std::string("\x10\x09")] = "";
    CheckTold(test, store, codes::kRestoresWithAlarm, "the 9 alarm is raised");
  }
  SECTION("an alarm for a member that holds other data") {
    store.buckets["alarm"][std::string("\x10\x02")] = "";
    CheckTold(test, store, codes::kAlarmCorrupt, "Compare it with a snapshot of another member");
    CHECK(HasFinding(Report(test, store).findings, codes::kRestoresWithAlarm,
                     "refuses writes until you disarm it"));
  }
  SECTION("what later versions of etcd may add is no damage") {
    meta["storageVersion"] = GENERATE("3.8.0", "4.0.0");
    meta["newKey"] = "anything";
    store.buckets["auth"]["newKey"] = "anything";
    store.buckets["cluster"]["newKey"] = "anything";
    store.buckets["authUsers"]["u"] = "\x0a\x01u\x7a\x01x";         // field 15
    store.buckets["authRoles"]["r"] = "\x0a\x01r\x12\x02\x08\x07";  // a permission of kind 7
    store.rows()[MadeStore::RowKey(10)] += "\x7a\x01x";
    CHECK(Report(test, store).verdict() == Verdict::kProven);
  }
  SECTION("a bucket of somebody else") {
    store.buckets["test"]["foo"] = "bar";
    CheckTold(test, store, codes::kBucketUnknown, "bucket test");
  }
}

// {delete all, put a, put b} as one write, on a store of a and b: etcd#22376.
MadeStore Rewritten() {
  MadeStore store;
  store.Put("a", "1");  // 2
  store.Put("b", "1");  // 3
  store.Put("a", "2");  // 4
  int64_t sub = 0;
  for (const char* key : {"a", "b"}) {
    store.rows()[MadeStore::RowKey(5, true, sub++)] = MadeStore::RowValue(key, "", 0, 0, 0);
  }
  for (const char* key : {"a", "b"}) {
    store.rows()[MadeStore::RowKey(5, false, sub++)] = MadeStore::RowValue(key, "new", 5, 5, 1);
  }
  return store;
}

TEST_CASE(
    "keys that the last write deleted and put are alive, and etcd's two rules hash them in two "
    "ways") {
  TestContext test;
  MadeStore store = Rewritten();
  SECTION("never compacted: both rules agree") {
    const auto report = Report(test, store);
    CHECK(report.verdict() == Verdict::kProven);
    CHECK(report.keyspace->live_keys == 2);
    CHECK_FALSE(report.keyspace->hashkv.by_older_etcd.has_value());
    CHECK_FALSE(report.keyspace->hashkv.may_vary);
  }
  SECTION("compacted below, no other key: the compacted rows are hashed as they lie") {
    store.Compact(4);
    const auto report = Report(test, store);
    CHECK(report.verdict() == Verdict::kProven);
    CHECK(report.keyspace->live_keys == 2);
    CHECK(report.keyspace->hashkv.by_older_etcd.has_value());
    CHECK(report.keyspace->hashkv.may_vary);
  }
  SECTION("compacted below, another key: both rules agree") {
    store.rows()[MadeStore::RowKey(5, false, 4)] = MadeStore::RowValue("c", "1", 5, 5, 1);
    store.Compact(4);
    const auto report = Report(test, store);
    CHECK(report.keyspace->live_keys == 3);
    CHECK_FALSE(report.keyspace->hashkv.by_older_etcd.has_value());
    CHECK_FALSE(report.keyspace->hashkv.may_vary);
  }
  SECTION("a compaction of that write is under way, another key: the rewritten rows do not count") {
    store.rows()[MadeStore::RowKey(5, false, 4)] = MadeStore::RowValue("c", "1", 5, 5, 1);
    store.buckets["meta"]["scheduledCompactRev"] = MadeStore::RowKey(5);
    const auto before = Report(test, store);
    CHECK(before.verdict() == Verdict::kProven);
    CHECK(before.keyspace->hashkv.by_older_etcd.has_value());
    // As it goes on, it removes them; the hash stays.
    for (const int64_t sub : {2, 3}) store.rows().erase(MadeStore::RowKey(5, false, sub));
    const auto after = Report(test, store);
    CHECK(after.keyspace->hashkv.hash == before.keyspace->hashkv.hash);
    CHECK(after.keyspace->live_keys == 1);
  }
  SECTION("deleted again at the end: not alive by any rule") {
    store.rows()[MadeStore::RowKey(5, true, 4)] = MadeStore::RowValue("a", "", 0, 0, 0);
    store.rows()[MadeStore::RowKey(5, true, 5)] = MadeStore::RowValue("b", "", 0, 0, 0);
    store.Compact(4);
    const auto report = Report(test, store);
    CHECK(report.keyspace->live_keys == 0);
    CHECK_FALSE(report.keyspace->hashkv.by_older_etcd.has_value());
    CHECK(report.keyspace->hashkv.may_vary);
  }
}

TEST_CASE("a row that etcd lost is its fault, told apart from a row that the file lost") {
  TestContext test;
  MadeStore store = Rewritten();
  const bool finished = GENERATE(false, true);
  store.buckets["meta"]["scheduledCompactRev"] = MadeStore::RowKey(5);
  if (finished) {
    store.buckets["meta"]["finishedCompactRev"] = MadeStore::RowKey(5);
    for (const int64_t old : {2, 3, 4}) store.rows().erase(MadeStore::RowKey(old));
  }
  CAPTURE(finished);
  for (const int64_t sub : {2, 3}) store.rows().erase(MadeStore::RowKey(5, false, sub));
  SECTION("the key was put again") {
    store.rows()[MadeStore::RowKey(6)] = MadeStore::RowValue("a", "3", 5, 6, 2);
    CheckTold(test, store, codes::kRowLostByEtcd, "one transaction deleted and put key a");
    CHECK(Report(test, store).keyspace->live_keys == 1);
  }
  SECTION("the key was deleted again") {
    store.rows()[MadeStore::RowKey(6, true)] = MadeStore::RowValue("a", "", 0, 0, 0);
    CheckTold(test, store, codes::kRowLostByEtcd, "key a");
  }
  SECTION("another version is missing than the one that etcd loses") {
    store.rows()[MadeStore::RowKey(6)] = MadeStore::RowValue("a", "3", 5, 6, 3);
    CheckOnly(test, store, codes::kVersionChain, "of key a");
  }
  SECTION("it was made by another write") {
    store.rows()[MadeStore::RowKey(6)] = MadeStore::RowValue("a", "3", 4, 6, 2);
    CheckOnly(test, store, codes::kVersionChain, "of key a");
  }
}

TEST_CASE("a bbolt database of another program is not damaged, and not provable") {
  TestContext test;
  MadeStore store;
  store.buckets.clear();
  store.buckets["containerd"]["a"] = "b";
  const auto report = Report(test, store);
  CHECK(report.verdict() == Verdict::kNotProvable);
  CHECK(report.foreign == snapshot::Foreign::kOtherBolt);
  CHECK(HasFinding(report.findings, codes::kNotASnapshot, "another program"));
  CHECK(report.findings.errors() == 0);
}

TEST_CASE("a report says which part of the keyspace a damage affects") {
  TestContext test;
  MadeStore store;
  for (int i = 0; i < 400; ++i) store.Put("key-" + std::to_string(i), std::string(200, 'v'));
  std::string bytes = store.Bytes(test);
  // The third leaf of the bucket, wherever it lies: the page that holds the row of revision 60.
  const size_t row = bytes.find(MadeStore::RowKey(60));
  REQUIRE(row != std::string::npos);
  bytes[row / 4096 * 4096] ^= 1;
  const std::string path = test.Path("snapshot.db");
  testing::WriteFile(path, testing::WithRightTrailer(bytes));
  const auto report = VerifyFile(test.context(), path);
  REQUIRE(report.ok());
  CHECK(HasFinding(report->findings, codes::kPageIdMismatch));
  const auto affected = report->Affected();
  REQUIRE(affected.size() == 1);
  CHECK(affected[0].starts_with("bucket key: from revision "));
  CHECK(affected[0].find(" to before revision ") != std::string::npos);
}

}  // namespace
}  // namespace etcdrill
