#!/usr/bin/env python3
"""Holds docs/reference/json.md equal to real documents: what commands print, a store keeps and the
port answers. A field that is not on the page fails, and so does one that has another type, is null
or absent where the page does not say so, or stands on the page and was never seen."""
import json
import re
import sys
import typing

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase, cluster_section, configuration, every

PAGE = harness.ROOT / "docs/reference/json.md"
HEADLESS = {"Head", "Finding", "state.json"}
# What takes a corrupt member, a wrong drill or a site to be written: the source must have the name.
RARE = {
    "Suspects": "src/store/suspects.cc",
    "SnapshotChecks.answered": "src/proof/checks.cc",
    "SnapshotManifest.receipt[].outvoted": "src/proof/manifest.cc",
    "StoreCheck.sites[].locked_until": "src/cli/cmd_check_store.cc",
    "Status.copied": "src/report/status/json.cc",
    "Status.sites[]": "src/report/status/json.cc",
    **{f"Status.sites[].copies.{state}": "src/proof/words.h"
       for state in ("untested", "restorable", "damaged", "unreadable")},
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PAGES = range(2, 40)  # of a file, which are damaged


def rare_source(section, path):
    """Of what stands at or below the longest name that is listed; None if there is none."""
    whole = f"{section}.{path}"
    fitting = [name for name in RARE if whole == name or whole.startswith((f"{name}.", f"{name}["))]
    return RARE[max(fitting, key=len)] if fitting else None


class Field(typing.NamedTuple):
    kind: str
    when: str
    meaning: str


class Document(typing.NamedTuple):
    section: str
    where: str
    value: object


def fields_of(page):
    """{section: {path: Field}}."""
    sections, fields = {}, {}
    for line in page.splitlines():
        if heading := re.match(r"(##+) (.*)", line):
            fields = sections[heading[2]] = {}
            if heading[1] == "###":
                HEADLESS.add(heading[2])
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            kind = cells[1].split(",")[0]  # without its unit
            fields[cells[0].strip("`")] = Field(kind, cells[2], cells[3])
    return sections


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def fits(field, value):
    text = isinstance(value, str)
    items = isinstance(value, list)
    return {
        "string": text,
        "hex": text and re.fullmatch("[0-9a-f]*", value),
        "time": text and TIME.fullmatch(value),
        "word": text and value in re.findall(r"`([^`]+)`", field.meaning),
        "integer": is_number(value) and isinstance(value, int),
        "number": is_number(value),
        "bool": isinstance(value, bool),
        "object": isinstance(value, dict),
        "list of object": items and all(isinstance(item, dict) for item in value),
        "list of string": items and all(isinstance(item, str) for item in value),
        "map of number": isinstance(value, dict) and all(map(is_number, value.values())),
    }[field.kind]


class Comparison:
    """Of the documents that it is shown with the page."""

    def __init__(self, page):
        self.sections = fields_of(page)
        self.seen = set()
        self.problems = set()

    def show(self, document):
        self._walk(document.section, document.where, document.value)

    def _walk(self, section, where, value, prefix=""):
        fields = self.sections[section]
        if not prefix and section not in HEADLESS:
            fields = self.sections["Head"] | fields
            if value.get("kind") != section:
                self.problems.add(f"{where}: the kind is {value.get('kind')}, not {section}")
        inside = {path[len(prefix):]: path for path in fields
                  if path.startswith(prefix) and not re.search(r"[.\[]", path[len(prefix):])}
        for name in value.keys() - inside.keys():
            self.problems.add(f"{where}: {section} on the page has no {prefix}{name}")
        for name in inside.keys() - value.keys():
            if "absent" not in fields[inside[name]].when:
                self.problems.add(f"{where}: {section}.{prefix}{name} is absent")
        for name in inside.keys() & value.keys():
            self._check(section, where, inside[name], fields[inside[name]], value[name])

    def _check(self, section, where, path, field, value):
        said = f"{where}: {section}.{path}"
        if value is None:
            if "null" not in field.when:
                self.problems.add(f"{said} is null")
            return
        self.seen.add((section, path))
        if link := re.fullmatch(r"(list of )?\[(\w+)\]\(.*\)", field.kind):
            if isinstance(value, list) != bool(link[1]):
                self.problems.add(f"{said} is no {field.kind}")
            else:
                for item in value if link[1] else [value]:
                    self._walk(link[2], where, item)
        elif not fits(field, value):
            self.problems.add(f"{said} is no {field.kind}: {value!r}"[:300])
        elif field.kind == "object":
            self._walk(section, where, value, path + ".")
        elif field.kind == "list of object":
            for item in value:
                self._walk(section, where, item, path + "[].")

    def never_seen(self):
        for section, fields in self.sections.items():
            for path in fields:
                seen = any((other, path) in self.seen for other in self.sections) \
                    if section == "Head" else (section, path) in self.seen
                if not seen:
                    yield section, path


class JsonPage(SidecarCase):
    def collect(self):
        """Documents of every section."""
        cluster = harness.Cluster(self.scene, "3.5")
        self.addCleanup(cluster.kill)
        harness.fill(cluster)
        cluster.etcdctl("put", "/registry/secrets/default/locked",
                        text="k8s:enc:aescbc:v1:key1:0123456789abcdef")
        url, = cluster.endpoints
        dead = f"http://127.0.0.1:{harness.free_port()}"
        twice = [url, url.replace("127.0.0.1", "localhost")]

        saved = self.dir / "saved.db"
        yield self.printed("SnapshotManifest", "snapshot", "save", saved, "--endpoints",
                           f"{url},{dead}")
        yield from self.of_files(saved)
        cluster.etcdctl("put", "/later", "1")
        newer = cluster.save(self.dir / "newer.db")
        yield self.printed("LineageReport", "lineage", saved, newer)
        yield self.printed("LineageReport", "lineage", saved, "--endpoints", f"{url},{dead}",
                           code=None)
        yield from self.listed("health", "health", "--endpoints", ",".join([*twice, dead]), code=1)
        section = cluster_section(cluster, endpoints=twice)
        yield from self.of_a_store(section)
        cluster.etcdctl("put", "/later", "2")
        yield from self.of_imports(section, cluster)
        yield self.of_sites(section)

    def printed(self, section, *command, code=0):
        outcome = self.etcdrill(*command, "-w", "json", code=code)
        return Document(section, " ".join(map(str, command)), json.loads(outcome.out))

    def listed(self, section, *command, code=0):
        whole = self.printed(section, *command, code=code)
        self.assertTrue(whole.value, whole.where)
        return [whole._replace(value=item) for item in whole.value]

    def of_files(self, saved):
        yield self.printed("VerifyReport", "verify", saved, "--inventory")
        damaged = self.dir / "damaged.db"
        content = bytearray(saved.read_bytes())
        for page in PAGES:
            content[page * 4096] ^= 1
        damaged.write_bytes(content)
        yield self.printed("VerifyReport", "verify", damaged, code=3)
        text = self.dir / "text.db"
        text.write_text("This is no snapshot.\n" * 1000)
        yield self.printed("VerifyReport", "verify", text, code=1)
        yield self.printed("SelftestReport", "selftest")
        for section, kind in (("AgeIdentity", "identity"), ("SigningKey", "signing")):
            yield self.printed(section, "keygen", kind)
            yield self.printed(section, "keygen", kind, "--out", self.dir / kind)
        yield self.printed("snapshot status", "snapshot", "status", saved)
        yield self.printed("snapshot status", "snapshot", "status", saved, "--compat", "3.5")
        yield self.printed("hashkv", "hashkv", saved)
        for path, code in ((saved, 0), (damaged, 3)):
            yield self.printed("DrillReport", "drill", path, "--etcd",
                               harness.tool("3.5", "etcd"), "--scratch-dir", self.dir, code=code)

    def of_a_store(self, section):
        """One that a sidecar fills, which takes a snapshot, confirms and hashes it again, and
        drills it twice."""
        sidecar = self.start(section, snapshot=every("1s") | {"skip_unchanged": True},
                             scrub={"period": "6s"})
        config = self.dir / "etcdrill.yaml"
        harness.wait_until(lambda: any({"confirmed", "hashed"} <= checks.value.keys()
                                       for checks in self.files("SnapshotChecks", "checks")),
                           "a snapshot that was confirmed and hashed", 60)
        for count in (1, 2):
            self.assertEqual(sidecar.request("/-/drill", "POST")[0], 202)
            harness.wait_until(
                lambda: len(self.files("DrillReport", "drills")) == count
                and not self.answered(sidecar, "Status").value["drill_in_progress"],
                f"{count} drill reports", 60)
        yield from map(lambda kind: self.answered(sidecar, kind), ANSWERS)
        yield from self.files("SnapshotChecks", "checks")
        yield from self.files("DrillReport", "drills")
        yield Document("state.json", "state.json",
                       json.loads((self.dir / "store/state.json").read_text()))
        self.assertEqual(sidecar.stop(), 0)
        yield from self.listed("snapshot list", "snapshot", "list", "--config", config)
        drills = self.listed("drills list", "drills", "list", "--config", config)
        yield from drills
        yield from self.listed("retention", "retention", "--dry-run", "--config", config)
        shown = self.etcdrill("drills", "show", drills[-1].value["name"], "--config", config).out
        yield Document("DrillReport", "drills show", json.loads(shown))

    def of_imports(self, section, cluster):
        """The same store, in which a file of others arrives and a snapshot rots."""
        theirs = self.dir / "theirs"
        theirs.mkdir()
        cluster.save(theirs / "nightly.db")
        sidecar = self.start(section, snapshot={"schedule": "none"},
                             store={"adopt": ["theirs/*.db"], "adopt_quiet": "1s"})
        config = self.dir / "etcdrill.yaml"
        harness.wait_until(lambda: any(manifest["adopted"] for manifest in self.manifests()),
                           "a manifest of what was imported", 60)
        name = self.manifests()[0]["name"]
        database = self.dir / "store" / f"{name}.db"
        database.write_bytes(harness.flipped(database.read_bytes()))
        yield self.printed("VerifyReport", "verify", name, "--config", config, code=3)
        harness.wait_until(lambda: self.answered(sidecar, "Status").value["problems"],
                           "what is wrong in the status", 60)
        yield from map(lambda kind: self.answered(sidecar, kind), ANSWERS)
        yield from self.files("SnapshotChecks", "checks")
        for manifest in self.manifests():
            yield Document("SnapshotManifest", manifest["name"], manifest)
        self.assertEqual(sidecar.stop(), 0)

    def of_sites(self, section):
        site = self.dir / "site"
        site.mkdir()
        config, _ = configuration(self.dir, section, name="sites.yaml", bare=True, store={
            "sites": [{"name": "sound", "directory": str(site)},
                      {"name": "missing", "directory": str(self.dir / "none")}]})
        return self.printed("StoreCheck", "check", "store", "--config", config, code=1)

    def answered(self, sidecar, kind):
        status, body = sidecar.request(ANSWERS[kind])
        self.assertEqual(status, 200)
        return Document(kind, ANSWERS[kind], json.loads(body))

    def files(self, section, folder):
        return [Document(section, path.name, json.loads(path.read_text()))
                for path in sorted((self.dir / "store" / folder).glob("*.json"))]

    def test_every_field_is_on_the_page_as_it_is(self):
        comparison = Comparison(PAGE.read_text())
        for document in self.collect():
            comparison.show(document)
        problems = sorted(comparison.problems)
        for section, path in comparison.never_seen():
            source = rare_source(section, path)
            name = path.rsplit(".", 1)[-1].removesuffix("[]")
            if source is None or f'"{name}"' not in (harness.ROOT / source).read_text():
                problems.append(f"no document has {section}.{path}")
        self.assertEqual(problems, [])


ANSWERS = {"Status": "/api/v1/status", "SnapshotList": "/api/v1/snapshots",
           "DrillList": "/api/v1/drills"}

ROWS = """
## Head
| `apiVersion` | word | | `etcdrill/v1` |
| `kind` | string | | Name |
## Finding
| `code` | string | | Code |
## Report
| `verdict` | word | | `proven`, `damaged` |
| `size` | integer, bytes | | Size |
| `took` | time | null: never | When |
| `note` | string | absent: none | Note |
| `parts` | list of object | | Parts |
| `parts[].seconds` | number, seconds | | Time |
| `inner` | object | null: none | Inner |
| `inner.names` | list of string | | Names |
| `findings` | list of [Finding](#finding) | | Findings |
"""
SOUND = {"apiVersion": "etcdrill/v1", "kind": "Report", "verdict": "proven", "size": 1,
         "took": "2026-03-14T02:00:00Z", "note": "", "parts": [{"seconds": 0.5}],
         "inner": {"names": ["a"]}, "findings": [{"code": "a"}]}


class TheComparison(harness.TestCase):
    def told(self, *documents):
        comparison = Comparison(ROWS)
        for value in documents:
            comparison.show(Document("Report", "made", value))
        return sorted(comparison.problems) + [f"no {path}" for _, path in comparison.never_seen()]

    def test_it_has_nothing_to_say_about_sound_ones(self):
        self.assertEqual(self.told(SOUND), [])
        without = {key: value for key, value in SOUND.items() if key != "note"}
        self.assertEqual(self.told(SOUND, without | {"took": None, "inner": None}), [])

    def test_it_can_fail(self):
        for change, wanted in (
            ({"new": 1}, "has no new"),
            ({"parts": [{"seconds": 1, "new": 1}]}, r"has no parts\[\].new"),
            ({"inner": {"names": [], "new": 1}}, "has no inner.new"),
            ({"findings": [{"code": "a", "new": 1}]}, "Finding on the page has no new"),
            ({"findings": {"code": "a"}}, "findings is no list"),
            ({"parts": [{}]}, r"parts\[\].seconds is absent"),
            ({"size": None}, "size is null"),
            ({"size": 1.5}, "size is no integer"),
            ({"size": True}, "size is no integer"),
            ({"took": "yesterday"}, "took is no time"),
            ({"verdict": "fine"}, "verdict is no word"),
            ({"kind": "Other"}, "the kind is Other"),
        ):
            with self.subTest(change):
                self.assertRegex("\n".join(self.told(SOUND | change)), wanted)
        for absent in ("size", "inner", "apiVersion"):
            with self.subTest(absent):
                self.assertRegex("\n".join(self.told(
                    {key: value for key, value in SOUND.items() if key != absent})),
                    f"{absent} is absent")
        self.assertEqual(self.told(SOUND | {"inner": None}), ["no inner", "no inner.names"])


if __name__ == "__main__":
    harness.main()
