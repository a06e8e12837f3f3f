#!/usr/bin/env python3
"""Proves that scripts/bench works on a small file, from a real etcd to the last ratio, and fails
when two tools disagree."""
import pathlib
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import data
import harness

SIZE = "0.002"


class Bench(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        harness.tool("3.6", "etcdutl")
        for path in (data.CACHE / "snapshots").glob(f"{SIZE}.*"):
            path.unlink()

    def bench(self, *arguments, case="verify"):
        return harness.run(
            [ROOT / "scripts" / "bench", case, "--sizes", SIZE, "--runs", "1", *arguments],
            timeout=300, env={"ETCDRILL_BUILD_DIR": str(harness.build_dir())})

    def test_measures_every_tool_against_every_target(self):
        outcome = self.bench("--baseline", harness.build_dir() / "etcdrill")
        self.assertEqual(outcome.code, 0, outcome.err)
        for tool in ("etcdrill verify", "openssl sha256", "etcdutl snapshot status",
                     "etcdutl hashkv", "baseline"):
            self.assertRegex(outcome.out, rf"(?m)^{tool} +0\.\d{{3}} s .* MiB")
        self.assertRegex(outcome.out,
                         r"/ openssl sha256: \d+\.\d\d .*target <= 1\.3: (met|MISSED by \d+ %)")
        self.assertRegex(
            outcome.out,
            r"/ sum of the other 3: \d+\.\d\d .*target <= 0\.35: (met|MISSED by \d+ %)")
        self.assertRegex(outcome.out, r"anonymous memory: \d+\.\d MiB, target <= 64\.0 MiB: met")

    def test_restores_in_every_way(self):
        outcome = self.bench(case="restore")
        self.assertEqual(outcome.code, 0, outcome.err)
        for tool in ("etcdrill restore", "etcdrill restore --no-sync", "etcdutl snapshot restore"):
            self.assertRegex(outcome.out, rf"(?m)^{tool} +0\.\d{{3}} s .* MB ")
        self.assertRegex(
            outcome.out,
            r"etcdrill restore / etcdutl snapshot restore: \d+\.\d\d .*target <= 0\.8: (met|MISSED)"
        )
        self.assertRegex(
            outcome.out,
            r"restore --no-sync / etcdutl snapshot restore: \d+\.\d\d .*target <= 0\.2: "
            r"(met|MISSED)"
        )

    def test_drills_beside_the_same_by_hand(self):
        outcome = self.bench(case="drill")
        self.assertEqual(outcome.code, 0, outcome.err)
        for tool in ("etcdrill drill", "official tools by hand"):
            self.assertRegex(outcome.out, rf"(?m)^{tool} +\d\.\d{{3}} s .* MB ")
        self.assertRegex(
            outcome.out,
            r"etcdrill drill / official tools by hand: \d+\.\d\d .*target <= 0\.5: (met|MISSED)")

    def test_shows_what_each_operation_costs_an_etcd(self):
        outcome = self.bench(case="impact")
        self.assertEqual(outcome.code, 0, outcome.err)
        for operation in ("nothing", "sidecar, idle", "HashKV of all", "snapshot save", "drill",
                          "nothing, again"):
            self.assertRegex(
                outcome.out,
                rf"(?m)^{operation} +\d+ +\d+\.\d\d s( +[\d.]+){{7}} +\d+\.\d\d( +\d+){{2}}$")
        self.assertNotIn("failed", outcome.out)

    def test_fails_when_tools_disagree(self):
        liar = self.dir / "liar"
        liar.write_text(
            f"#!/bin/sh\n'{harness.build_dir() / 'etcdrill'}' \"$@\" | sed 's/\"hash\": /&1/'\n")
        liar.chmod(0o700)
        outcome = self.bench("--baseline", liar)
        self.assertEqual(outcome.code, 1, outcome.out)
        self.assertRegex(outcome.err, r"hash is \d+ for baseline, but \d+ for etcdrill verify")


if __name__ == "__main__":
    harness.main()
