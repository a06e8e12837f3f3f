#!/usr/bin/env python3
"""Proves what the sidecar says of a store that is not as it was: a file or the whole store is away
and comes back, every snapshot is damaged, a drill is killed, foreign files lie there. Page, API,
metrics and exit codes agree, and what passes leaves no lasting verdict."""
import json
import os
import shutil
import sys
import time

sys.dont_write_bytecode = True
import harness
import test_clocks
from sidecar_case import SidecarCase

NEVER = {"schedule": "none"}


class StoreFacts(SidecarCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        harness.fill(cls.cluster)

    def start(self, **settings):
        return super().start(self.cluster, **({"snapshot": {"schedule": "@every 1h"}} | settings))

    def database(self):
        path, = (self.dir / "store").glob("*.db")
        return path

    def status(self, sidecar):
        return json.loads(sidecar.first_answer("/api/v1/status"))

    def states(self, sidecar):
        family = sidecar.metrics()["etcdrill_snapshots"]
        return {state: number for state, number in harness.by_label(family, "state").items()
                if number}

    def wait_for_states(self, sidecar, **states):
        harness.wait_until(lambda: self.states(sidecar) == states, f"{states}", timeout=30)

    def listed_state(self):
        entry, = json.loads(
            self.etcdrill("snapshot", "list", "--config", self.dir / "etcdrill.yaml", "-w",
                          "json").out)
        return entry["state"]

    def drilled_database(self):
        return min((self.dir / "store").glob("*.db"))

    def checks(self):
        return json.loads(
            (self.dir / "store" / "checks" / f"{self.database().stem}.json").read_text())

    def drilled(self, **settings):
        """A sidecar that has one snapshot, which passed a drill."""
        sidecar = self.start(drill={"schedule": "@every 1h"}, **settings)
        sidecar.wait_for_line("drill passed")
        self.wait_for_states(sidecar, restorable=1)
        return sidecar

    def verify(self, code, *arguments):
        return self.etcdrill("verify", self.database().stem, "--config",
                             self.dir / "etcdrill.yaml", *arguments, code=code)

    # --- Away, damaged, right again ---------------------------------------------------------------

    def test_a_file_that_is_away_while_the_scrub_passes_is_no_damage(self):
        sidecar = self.drilled(scrub={"period": "24s"})
        database, away = self.database(), self.dir / "away.db"
        database.rename(away)
        sidecar.wait_for_line("stored snapshot unreadable")
        self.wait_for_states(sidecar, unreadable=1)
        self.assertEqual(self.listed_state(), "unreadable")
        self.assertGreaterEqual(sidecar.value("etcdrill_scrub_failures_total", reason="unreadable"),
                                1)
        self.assertEqual(sidecar.value("etcdrill_scrub_failures_total", reason="damaged"), 0)
        self.assertNotEqual(self.status(sidecar)["overall"], "yes")
        self.assertIn("unreadable", sidecar.first_answer("/"))
        away.rename(database)
        self.wait_for_states(sidecar, restorable=1)
        self.assertEqual(self.listed_state(), "restorable")
        self.assertEqual(self.status(sidecar)["restorable"]["answer"], "yes")
        checks = self.dir / "store" / "checks" / f"{database.stem}.json"
        self.assertNotIn("damaged", self.checks() if checks.exists() else {})
        self.assertEqual(sidecar.stop(), 0)

    def test_a_snapshot_that_lost_its_manifest_stays_and_is_named(self):
        sidecar = self.drilled()
        database = self.database()
        manifest, away = database.with_suffix(".json"), self.dir / "away.json"
        copied = database.with_name("e2e-00000000000000000001-20261122T080000Z.db")
        shutil.copy(database, copied)
        yesterday = time.time() - 86400
        os.utime(copied, (yesterday, yesterday))  # as scp -p leaves it
        manifest.rename(away)
        self.wait_for_states(sidecar, unreadable=2)
        page = sidecar.first_answer("/")
        for path in (copied, database):
            self.assertIn(f"{path.name}: no manifest: {path.stem}.json is missing", page)
        self.assertNotEqual(self.status(sidecar)["overall"], "yes")
        told = self.etcdrill("verify", database.stem, "--config", self.dir / "etcdrill.yaml",
                             code=1).err
        self.assertIn("no manifest", told)
        self.assertEqual(sidecar.request("/-/snapshot", "POST")[0], 202)
        sidecar.wait_for_line("snapshot taken", after=1)
        self.assertEqual(sidecar.stop(), 0)
        sidecar = self.start(snapshot=NEVER)
        self.wait_for_states(sidecar, unreadable=2, untested=1)
        self.assertTrue(copied.exists() and database.exists())
        self.assertEqual(sidecar.lines("store leftover removed"), [])
        away.rename(manifest)
        copied.unlink()
        self.wait_for_states(sidecar, restorable=1, untested=1)
        self.assertStops(sidecar)

    def flip(self):
        """As the disk would: in place, and twice is as before."""
        with open(self.database(), "r+b") as file:
            file.seek(self.database().stat().st_size // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))

    def test_the_scrub_takes_back_what_it_found(self):
        sidecar = self.drilled(scrub={"period": "24s"})
        self.flip()
        sidecar.wait_for_line("stored snapshot changed")
        self.wait_for_states(sidecar, damaged=1)
        first = self.checks()["damaged"]
        self.flip()
        sidecar.wait_for_line("stored snapshot intact again", timeout=60)
        self.wait_for_states(sidecar, restorable=1)
        self.assertNotIn("damaged", self.checks())
        self.assertLess(first, self.checks()["hashed"])
        self.assertEqual(sidecar.stop(), 0)

    def test_verify_takes_back_what_was_found(self):
        sidecar = self.drilled(scrub={"period": "24s"})
        self.flip()
        sidecar.wait_for_line("stored snapshot changed")
        self.assertEqual(sidecar.stop(), 0)
        self.verify(3)
        self.assertEqual(self.listed_state(), "damaged")
        self.flip()
        self.assertIn("the bytes are intact again", self.verify(0).err)
        self.assertEqual(self.listed_state(), "restorable")
        self.assertNotIn("intact again", self.verify(0).err)  # once

    def test_a_clock_that_is_set_back_makes_no_damage_green(self):
        self.assertEqual(self.drilled().stop(), 0)
        self.flip()
        sidecar = self.start(env=test_clocks.lying(-200), snapshot=NEVER, scrub={"period": "24s"})
        sidecar.wait_for_line("stored snapshot changed", timeout=30)
        self.wait_for_states(sidecar, damaged=1)
        self.assertEqual(sidecar.stop(), 0)
        self.assertEqual(self.listed_state(), "damaged")
        sidecar = self.start(snapshot=NEVER)  # the clock is right again
        self.wait_for_states(sidecar, damaged=1)
        self.assertEqual(self.status(sidecar)["restorable"]["answer"], "no")
        self.assertEqual(sidecar.stop(), 0)

    def test_right_bytes_do_not_answer_what_a_drill_found_in_them(self):
        self.assertEqual(self.drilled().stop(), 0)
        manifest = self.database().with_suffix(".json")
        right = manifest.read_text()
        manifest.write_text(json.dumps(json.loads(right) | {"live_keys": 12345}))
        drill = ("drill", self.database().stem, "--config", self.dir / "etcdrill.yaml")
        self.etcdrill(*drill, code=3)
        self.assertNotIn("record is deleted", self.verify(3).err)
        self.assertNotIn("record is deleted", self.verify(0, "--level", "1").err)
        sidecar = self.start(snapshot=NEVER, scrub={"period": "24s"}, log={"level": "debug"})
        sidecar.wait_for_line("snapshot scrubbed", timeout=30)
        self.wait_for_states(sidecar, damaged=1)
        self.assertEqual(sidecar.stop(), 0)
        manifest.write_text(right)
        self.assertEqual(self.listed_state(), "damaged")
        self.assertIn("record is deleted", self.verify(0).err)  # proven to level 3
        self.assertEqual(self.listed_state(), "untested")
        self.etcdrill(*drill)
        self.assertEqual(self.listed_state(), "restorable")

    def test_what_cant_be_read_hides_no_damage(self):
        self.assertEqual(self.drilled().stop(), 0)
        store, name = self.dir / "store", self.database().stem
        record, manifest = store / "checks" / f"{name}.json", store / f"{name}.json"

        def told(path, restorable, **states):
            path.write_text("")
            sidecar = self.start(snapshot=NEVER, scrub={"period": "400d"})
            self.wait_for_states(sidecar, **states)
            status = self.status(sidecar)
            self.assertEqual(status["restorable"]["answer"], restorable)
            self.assertNotEqual(status["overall"], "yes")
            self.assertIn(path.stem, json.dumps(status["problems"]))
            failures = sidecar.value("etcdrill_drill_consecutive_failures")
            self.assertEqual(sidecar.stop(), 0)
            return failures

        self.flip()
        sidecar = self.start(snapshot=NEVER, scrub={"period": "24s"})
        sidecar.wait_for_line("stored snapshot changed", timeout=30)
        self.assertEqual(sidecar.stop(), 0)
        record.write_text("")
        self.assertEqual(self.listed_state(), "unreadable")
        self.flip()
        # It is due, though it was hashed just now.
        sidecar = self.start(snapshot=NEVER, scrub={"period": "24s"})
        sidecar.wait_for_line("stored snapshot intact again", timeout=30)
        self.wait_for_states(sidecar, restorable=1)
        self.assertEqual(sidecar.stop(), 0)

        self.flip()
        self.etcdrill("drill", name, "--config", self.dir / "etcdrill.yaml", code=3)
        newest = max((store / "drills").glob("*.json"),
                     key=lambda path: path.stem.rsplit("-", 1)[1])
        self.flip()  # or the first look of the scrub would find it again
        self.assertEqual(told(newest, "no", untested=1), 1)
        told(manifest, "no", unreadable=1)

    def test_what_is_found_on_a_full_disk_is_not_forgotten(self):
        store = self.dir / "store"
        store.mkdir(mode=0o700)
        self.scene.mount_tmpfs(store, "4m")
        sidecar = self.drilled(scrub={"period": "24s"})
        self.flip()
        with open(store / "others", "wb", buffering=0) as file:
            for size in (65536, 4096, 512, 1):
                with self.assertRaises(OSError):
                    while True:
                        file.write(b"x" * size)
        self.assertEqual(sidecar.request("/-/drill", "POST")[0], 202)
        sidecar.wait_for_line("drill failed")
        sidecar.wait_for_line("drill report not kept")
        sidecar.wait_for_line("scrub result not recorded")
        self.wait_for_states(sidecar, damaged=1)
        self.assertEqual(sidecar.value("etcdrill_drill_consecutive_failures"), 1)
        status = self.status(sidecar)
        self.assertEqual((status["overall"], status["restorable"]["answer"]), ("no", "no"))
        self.assertIn("cannot be written to the store", json.dumps(status["problems"]))
        # A process of its own knows the disk only.
        self.assertEqual(self.listed_state(), "restorable")
        (store / "others").unlink()
        sidecar.wait_for_line("pending store writes completed", timeout=30)
        self.wait_for_states(sidecar, damaged=1)
        self.assertEqual(self.listed_state(), "damaged")
        self.assertNotIn("cannot be written", json.dumps(self.status(sidecar)["problems"]))
        self.etcdrill("drills", "verify", "--config", self.dir / "etcdrill.yaml")
        self.assertEqual(sidecar.stop(), 0)

    def test_a_drill_proves_nothing_once_what_it_passed_on_is_damaged_or_gone(self):
        sidecar = self.drilled(scrub={"period": "24s"})
        self.cluster.etcdctl("put", "later", "1")
        self.etcdrill("snapshot", "save", "--config", self.dir / "etcdrill.yaml")
        os.truncate(self.drilled_database(), 4096)
        self.wait_for_states(sidecar, damaged=1, untested=1)
        self.assertEqual(self.status(sidecar)["restorable"]["answer"], "no")
        for path in [*(self.dir / "store").glob("*.json"), *(self.dir / "store").glob("*.db")]:
            path.unlink() if path.name != "state.json" else None
        self.wait_for_states(sidecar)
        self.assertEqual(self.status(sidecar)["restorable"]["answer"], "no")
        self.assertEqual(sidecar.stop(), 0)

    # --- Nothing to drill -------------------------------------------------------------------------

    def test_an_older_one_that_passes_hides_no_newest_that_fails(self):
        """The source lost keys between two snapshots. What would be restored today lacks them; both
        files are sound."""
        self.cluster.etcdctl("put", "/expected/key", "x")
        sidecar = self.start(drill={"schedule": "none", "sample": {"older": "1/1"},
                                    "assertions": [{"prefix": "/expected/", "min_keys": 1}]})
        sidecar.wait_for_line("snapshot taken")
        self.cluster.etcdctl("del", "/expected/key")
        self.assertEqual(sidecar.request("/-/snapshot", "POST")[0], 202)
        sidecar.wait_for_line("snapshot taken", after=1)
        self.assertEqual(sidecar.request("/-/drill", "POST")[0], 202)
        sidecar.wait_for_line("drill passed")
        self.wait_for_states(sidecar, untested=1, restorable=1)
        self.assertEqual(len(sidecar.lines("drill failed")), 1)
        self.assertEqual(sidecar.value("etcdrill_drill_consecutive_failures"), 1)
        self.assertEqual(sidecar.value("etcdrill_drill_last_check_success", check="assertions"), 0)
        self.assertEqual(self.status(sidecar)["restorable"]["answer"], "no")
        self.assertEqual(sidecar.stop(), 0)
        # Nobody expects it any more: the next drill that passes says so.
        sidecar = self.start(drill={"schedule": "none"}, snapshot=NEVER)
        sidecar.wait_for_value(0, "etcdrill_drill_last_check_success", check="assertions")
        self.assertEqual(sidecar.request("/-/drill", "POST")[0], 202)
        sidecar.wait_for_line("drill passed")
        sidecar.wait_for_value(0, "etcdrill_drill_consecutive_failures")
        self.assertIsNone(sidecar.value("etcdrill_drill_last_check_success", check="assertions"))
        self.assertEqual(self.status(sidecar)["restorable"]["answer"], "yes")
        self.assertEqual(sidecar.stop(), 0)

    def test_a_store_whose_only_snapshot_is_cut_is_a_failed_drill(self):
        sidecar = self.start(drill={"schedule": "@every 2s"})
        sidecar.wait_for_line("drill passed")
        os.truncate(self.database(), 4096)
        line = sidecar.wait_for_line("drill failed")
        self.assertIn("nothing to drill",
                      self.wait_for_text(sidecar, "drill failed", "nothing to drill"))
        self.wait_for_states(sidecar, damaged=1)
        harness.wait_until(lambda: (sidecar.value("etcdrill_drill_consecutive_failures") or 0) >= 2,
                           "failures are counted")
        status = self.status(sidecar)
        self.assertEqual(
            (status["overall"], status["restorable"]["answer"], status["fresh"]["answer"]),
            ("no", "no", "no"))
        self.assertEqual(status["snapshots"]["damaged"], 1)
        self.assertEqual(self.listed_state(), "damaged", line)
        self.etcdrill("drills", "verify", "--config", self.dir / "etcdrill.yaml")
        self.assertEqual(sidecar.stop(), 0)

    def test_a_store_whose_only_manifest_is_away_is_a_failed_drill(self):
        sidecar = self.start(drill={"schedule": "@every 2s"})
        sidecar.wait_for_line("drill passed")
        manifest = self.database().with_suffix(".json")
        manifest.rename(self.dir / "away.json")
        self.wait_for_states(sidecar, unreadable=1)
        self.assertEqual(sidecar.lines("drill failed"), [])  # somebody may be copying the store
        self.wait_for_text(sidecar, "drill failed", "nothing to drill", timeout=60)
        status = self.status(sidecar)
        self.assertEqual(
            (status["overall"], status["restorable"]["answer"], status["fresh"]["answer"]),
            ("no", "no", "no"))
        self.assertEqual(sidecar.value("etcdrill_drill_consecutive_failures"), 1)
        (self.dir / "away.json").rename(manifest)
        harness.wait_until(lambda: self.status(sidecar)["restorable"]["answer"] == "yes",
                           "it is drilled again")
        self.assertStops(sidecar)

    # --- Killed in a drill ------------------------------------------------------------------------

    def test_a_drill_that_was_killed_is_told_at_the_next_start(self):
        sidecar = self.drilled()
        self.assertEqual(list((self.dir / "store" / "drills").glob(".*.begun")), [])
        self.assertEqual(sidecar.request("/-/drill", "POST")[0], 202)
        harness.wait_until(lambda: list((self.dir / "store" / "drills").glob(".*.begun")),
                           "a drill under way")
        sidecar.process.kill()
        sidecar.process.wait()
        after = self.start(drill=NEVER)
        after.wait_for_line("drill failed")
        self.assertIn("did not finish", after.lines("drill failed")[-1])
        self.assertEqual(after.value("etcdrill_drill_consecutive_failures"), 1)
        self.assertEqual(self.status(after)["restorable"]["answer"], "no")
        self.assertIn("did not finish", after.first_answer("/"))
        self.assertEqual(self.states(after), {"restorable": 1})  # it says nothing of the data
        self.assertEqual(list((self.dir / "store" / "drills").glob(".*.begun")), [])
        self.etcdrill("drills", "verify", "--config", self.dir / "etcdrill.yaml")
        self.assertEqual(after.stop(), 0)
        again = self.start(drill=NEVER)  # told once
        again.first_answer("/-/ready")
        self.assertEqual(again.value("etcdrill_drill_consecutive_failures"), 1)
        self.assertEqual(again.request("/-/drill", "POST")[0], 202)
        harness.wait_until(lambda: self.status(again)["restorable"]["answer"] == "yes",
                           "a drill that passes ends it")
        self.assertEqual(again.stop(), 0)

    # --- A store that can't be read ---------------------------------------------------------------

    def test_a_store_that_is_away_is_known_by_nobody(self):
        sidecar = self.drilled()
        harness.wait_until(lambda: self.status(sidecar)["overall"] == "yes", "all is well")
        prefixes = ("etcdrill_snapshot_last_", "etcdrill_snapshots", "etcdrill_restorable_",
                    "etcdrill_drill_last_", "etcdrill_store_bytes", "etcdrill_store_oldest")
        of_the_store = [name for name in sidecar.metrics() if name.startswith(prefixes)]
        self.assertGreater(len(of_the_store), 10)
        checks = self.dir / "store" / "checks"
        checks.rename(self.dir / "checks")
        checks.write_text("no directory")
        harness.wait_until(lambda: self.status(sidecar)["overall"] == "no", "it is seen",
                           timeout=30)
        status = self.status(sidecar)
        self.assertEqual(status["restorable"]["answer"], "no")
        self.assertEqual((status["fresh"]["answer"], status["drilled"]["answer"]),
                         ("unknown", "unknown"))
        self.assertIsNone(status["snapshots"])
        self.assertEqual(sidecar.value("etcdrill_store_readable"), 0)
        self.assertEqual([name for name in of_the_store if name in sidecar.metrics()], [])
        self.assertEqual(sidecar.request("/-/ready")[0], 503)
        checks.unlink()
        (self.dir / "checks").rename(checks)
        harness.wait_until(lambda: self.status(sidecar)["overall"] == "yes", "all is well again",
                           timeout=30)
        self.assertEqual(sidecar.value("etcdrill_store_readable"), 1)
        self.assertEqual(sidecar.stop(), 0)

    # --- Foreign files ----------------------------------------------------------------------------

    def test_foreign_files_are_told_once_for_each_change(self):
        sidecar = self.start(snapshot={"schedule": "@every 1s", "skip_unchanged": False},
                             drill={"schedule": "@every 2s"})
        sidecar.wait_for_line("snapshot taken")
        for number in range(30):
            (self.dir / "store" / f"foreign-{number}.json").write_text("{}")
            (self.dir / "store" / "drills"
             / f"foreign-{number}-20200101T000000Z.json").write_text("{}")
        manifests, drills = "manifest unreadable", "drill report unreadable"
        harness.wait_until(
            lambda: len(sidecar.lines(manifests)) >= 30 and len(sidecar.lines(drills)) >= 30,
            "they are told")
        time.sleep(5)
        self.assertEqual((len(sidecar.lines(manifests)), len(sidecar.lines(drills))), (30, 30))
        (self.dir / "store" / "foreign-7.json").write_text("{} ")
        harness.wait_until(lambda: len(sidecar.lines(manifests)) == 31, "the change is told")
        time.sleep(3)
        self.assertEqual(len(sidecar.lines(manifests)), 31)
        self.assertEqual(sidecar.stop(), 0)


if __name__ == "__main__":
    harness.main()
