#!/usr/bin/env python3
"""Opens the status page in a real browser: beside a healthy cluster, when all goes wrong, and when
nothing has happened yet; in light and dark. Also /api/v1, readiness and the endpoints that start
something. Screenshots are kept in BUILD/test-artefacts."""
import http.client
import json
import re
import shutil
import sys
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True
import browser
import harness
from sidecar_case import every, merged, start_sidecar

DEFAULTS = {
    "snapshot": every("1h") | {"skip_unchanged": True}, "health": {"hashkv": "@every 24h"}
}

# For each element with text of its own: the contrast to the ground that it stands on (WCAG 2.1).
CONTRAST = """(() => {
  const parse = c => {
    const m = c.match(/[\\d.]+/g).map(Number);
    return m.length < 4 ? [...m, 1] : m;
  };
  const light = c => {
    const [r, g, b] = c.map(v => {
      v /= 255;
      return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    });
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c[3] > 0) return c;
    }
    return [255, 255, 255, 1];
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (['script', 'style', 'title'].includes(e.tagName.toLowerCase())) continue;
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(parse(getComputedStyle(e).color).slice(0, 3));
    const b = light(ground(e).slice(0, 3));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5)
      poor.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ${e.textContent.slice(0, 40)}`);
  }
  return poor;
})()"""

# What people need who do not see the page, or do not use a mouse, and what a tool such as axe would
# say of it.
STRUCTURE = """(() => {
  const poor = [], all = s => [...document.querySelectorAll(s)];
  const levels = all('h1,h2,h3,h4').map(h => +h.tagName[1]);
  if (document.documentElement.lang !== 'en') poor.push('no language');
  if (!document.title.trim()) poor.push('no title');
  if (levels.filter(l => l === 1).length !== 1 || levels[0] !== 1) poor.push('not one h1, first');
  if (levels.some((l, i) => i && l > levels[i - 1] + 1))
    poor.push('a level of headings is left out: ' + levels);
  if (all('main').length !== 1) poor.push('not one main');
  const ids = all('[id]').map(e => e.id);
  if (new Set(ids).size !== ids.length) poor.push('an id is there twice');
  for (const e of all('[aria-labelledby]'))
    for (const id of e.getAttribute('aria-labelledby').split(' '))
      if (!document.getElementById(id)?.textContent.trim())
        poor.push(`labelled by ${id}, which says nothing`);
  for (const e of all('th'))
    if (!['col', 'row'].includes(e.scope)) poor.push('a th without scope: ' + e.textContent);
  for (const e of all('table'))
    if (e.querySelector('tbody tr') && !e.querySelector('thead th'))
      poor.push('a table without heads');
  for (const e of all('[tabindex]'))
    if (+e.tabIndex > 0) poor.push('an order of its own for the tab key');
  for (const e of all('svg, img'))
    if (e.getAttribute('aria-hidden') !== 'true' && !e.getAttribute('aria-label') && !e.alt)
      poor.push('a picture without words');
  for (const e of all('a')) if (!e.textContent.trim()) poor.push('a link without words');
  for (const e of all('.mark'))
    if (e.textContent.replace(/[^a-z]/gi, '').length < 2)
      poor.push('a colour without words: ' + e.outerHTML);
  return poor;
})()"""


class StatusCase(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page = browser.Page(cls.scene)
        cls.addClassCleanup(cls.page.close)

    @classmethod
    def start(cls, directory, endpoints, name="prod", lifecycle=False, drill=every("1h"),
              **sections):
        return start_sidecar(
            cls.scene, directory, {"name": name, "endpoints": endpoints},
            drill=drill | {"sample": {"older": "none"}}, web={"enable_lifecycle": lifecycle},
            **merged(DEFAULTS, sections))

    def look(self, sidecar, name, **options):
        """Opens the page; what holds for it in every state; a screenshot."""
        self.page.requests.clear()
        self.page.complaints.clear()
        self.page.open(f"http://127.0.0.1:{sidecar.port}/", **options)
        self.page.screenshot(name)
        self.assertEqual(self.page.complaints, [])
        hosts = {urllib.parse.urlsplit(url).netloc
                 for url in self.page.requests if not url.startswith("data:")}
        self.assertEqual(hosts, {f"127.0.0.1:{sidecar.port}"})
        self.assertEqual(self.page.run(CONTRAST), [])
        self.assertEqual(self.page.run(STRUCTURE), [])
        self.assertFalse(self.page.run("document.documentElement.scrollWidth > innerWidth"),
                         "wider than the window")
        return self.page.run("document.body.innerText")

    def api(self, sidecar, name):
        status, body = sidecar.request(f"/api/v1/{name}")
        self.assertEqual(status, 200)
        return json.loads(body)


class Healthy(StatusCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5", size=3)
        harness.fill(cls.cluster)
        cls.home = cls.scene.new_dir()
        cls.sidecar = cls.start(cls.home, cls.cluster.endpoints, snapshot=every("3s"),
                                drill=every("4s"), lifecycle=True)
        cls.sidecar.wait_for_line("drill passed", after=2, timeout=60)
        cls.sidecar.wait_for_value(1, "etcdrill_source_up")

    def test_in_light_and_dark(self):
        for dark in (False, True):
            text = self.look(self.sidecar, "status-dark" if dark else "status-light", dark=dark)
            self.assertIn("The backup is fresh, drilled and restorable.", text)
            self.assertEqual(len(re.findall(r"^✔ OK$", text, re.M)), 4, text)
            self.assertNotIn("✖", text)
            self.assertEqual(text.count("✔ healthy"), 3)
            self.assertEqual(len(re.findall(r"^leader\b|\tleader\t", text, re.M)), 1, text)
            self.assertIn("✔ restorable", text)
            self.assertRegex(
                text, r"select [\d.]+\ss, checksum [\d.]+\ss, restore [\d.]+\ss, boot [\d.]+\ss")
            ground = self.page.run("getComputedStyle(document.body).backgroundColor")
            self.assertEqual(ground, "rgb(13, 17, 23)" if dark else "rgb(246, 248, 250)")
            colour = self.page.run("getComputedStyle(document.querySelector('#verdict')).color")
            self.assertEqual(colour, "rgb(86, 211, 100)" if dark else "rgb(17, 99, 41)")

    def test_stages_are_bars_as_wide_as_they_were_long(self):
        self.look(self.sidecar, "status-bars")
        widths = self.page.run(
            "[...document.querySelectorAll('svg.bar')].map(b => "
            "[...b.querySelectorAll('rect')].map("
            "r => [r.querySelector('title').textContent, +r.getAttribute('width'),"
            " getComputedStyle(r).fill, r.getBoundingClientRect().width]))")
        self.assertGreaterEqual(len(widths), 3)
        boot = max(widths[0], key=lambda r: r[1])
        self.assertIn("boot", boot[0])
        self.assertEqual(len({fill for _, _, fill, _ in widths[0]}), 7)
        self.assertGreater(boot[3], 50)

    def test_for_people_who_do_not_see_it_or_have_no_mouse(self):
        self.look(self.sidecar, "status-narrow", width=420)
        self.look(self.sidecar, "status-wide")
        names = self.page.accessible_names()
        self.assertIn("etcd backup of prod", names["heading"])
        self.assertTrue(
            any("fresh, drilled and restorable" in name
                for role in names.values() for name in role))
        self.assertTrue(all(re.search(r"boot [\d.]+\ss", name) for name in names["image"] if name))
        self.assertIn("Endpoint", names["columnheader"])
        reached = []
        for _ in range(12):
            self.page.press_tab()
            reached.append(
                self.page.run("document.activeElement.id || document.activeElement.textContent"))
            outline = self.page.run("getComputedStyle(document.activeElement).outlineStyle")
            if self.page.run("document.activeElement !== document.body"):
                self.assertEqual(outline, "solid", reached[-1])
        in_order = ["drills-table", "snapshots-table", "members-table", "schedule-table",
                    "Metrics", "Status as JSON"]
        self.assertEqual([name for name in reached if name in in_order][:6], in_order)

    def test_what_looks_at_the_page_can_fail(self):
        for check, harm in (
            (STRUCTURE, "document.documentElement.lang = ''"),
            (STRUCTURE, "document.querySelector('th').removeAttribute('scope')"),
            (STRUCTURE, "document.querySelector('svg.bar').removeAttribute('aria-label')"),
            (STRUCTURE, "document.querySelector('h2').outerHTML = '<h4>x</h4>'"),
            (STRUCTURE, "document.querySelector('[aria-labelledby]')"
                        ".setAttribute('aria-labelledby', 'nobody')"),
            (STRUCTURE, "document.querySelector('.mark').textContent = '✔'"),
            (STRUCTURE, "document.querySelector('a').tabIndex = 1"),
            (CONTRAST, "document.querySelector('h1').style.color"
                       " = getComputedStyle(document.body).backgroundColor"),
        ):
            with self.subTest(harm):
                self.page.open(f"http://127.0.0.1:{self.sidecar.port}/", script=False)
                self.page.run(harm)
                self.assertEqual(len(self.page.run(check)), 1)

    def test_without_script(self):
        self.page.open(f"http://127.0.0.1:{self.sidecar.port}/", script=False)
        text = self.page.run("document.body.innerText")
        self.assertIn("The backup is fresh, drilled and restorable.", text)
        self.assertIn("✔ restorable", text)

    def test_the_script_refreshes_and_says_when_it_can_not(self):
        self.look(self.sidecar, "status-refresh")
        before = self.page.run("document.getElementById('time').textContent")
        harness.wait_until(
            lambda: self.page.run("document.getElementById('time').textContent") != before,
            "a fresh page", 30)
        self.assertEqual(self.page.complaints, [])
        self.assertEqual(self.page.run("document.querySelectorAll('main').length"), 1)

    def test_policy(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.sidecar.port)
        connection.request("GET", "/")
        response = connection.getresponse()
        policy, body = response.getheader("Content-Security-Policy"), response.read().decode()
        self.assertRegex(policy,
                         r"\Adefault-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+';")
        self.assertNotIn("unsafe", policy)
        for url in re.findall(r'(?:src|href)="([^"]*)"', body):
            self.assertRegex(url, r"\A(data:,|metrics|api/v1/\w+)\Z")

    def test_the_api_says_the_same(self):
        status = self.api(self.sidecar, "status")
        self.assertEqual(
            [status[key]["answer"] for key in ("fresh", "drilled", "restorable", "within_rto")],
            ["yes"] * 4)
        self.assertEqual((status["overall"], status["cluster"], status["problems"]),
                         ("yes", "prod", []))
        self.assertEqual([member["healthy"] for member in status["members"]], [True] * 3)
        snapshots = self.api(self.sidecar, "snapshots")
        files = {path.stem for path in (self.home / "store").glob("*.db")}
        self.assertLessEqual({item["name"] for item in snapshots["items"]}, files)
        self.assertEqual(len(snapshots["items"]), snapshots["total"])
        self.assertEqual(sorted((i["taken"] for i in snapshots["items"]), reverse=True),
                         [i["taken"] for i in snapshots["items"]])
        drills = self.api(self.sidecar, "drills")
        self.assertTrue(
            all(item["passed"] and item["level_reached"] == 5 for item in drills["items"]))
        self.assertEqual(self.sidecar.request("/api/v1/status", "POST")[0], 405)
        self.assertEqual(self.sidecar.request("/api/v1/status/")[0], 404)

    def test_ready(self):
        self.assertEqual(self.sidecar.request("/-/ready"), (200, "ready\n"))
        self.assertEqual(self.sidecar.request("/-/healthy")[0], 200)


class Started(StatusCase):
    """By request."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        harness.fill(cls.cluster)

    def test_by_post_and_one_at_a_time(self):
        sidecar = self.start(self.dir, self.cluster.endpoints, lifecycle=True)
        sidecar.wait_for_line("drill passed")
        harness.wait_until(
            lambda: sidecar.value("etcdrill_task_last_run_timestamp_seconds", task="drill"),
            "its end")
        self.assertEqual(sidecar.request("/-/snapshot", "POST"), (202, "started\n"))
        sidecar.wait_for_line("snapshot taken", after=1)
        answers = []
        ask = lambda: answers.append(sidecar.request("/-/drill", "PUT")[0])
        threads = [threading.Thread(target=ask) for _ in range(100)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((answers.count(202), answers.count(409)), (1, 99))
        self.assertLess(time.monotonic() - begin, 10)
        sidecar.wait_for_line("drill passed", after=1)
        self.assertEqual(sidecar.value("etcdrill_drill_attempts_total"), 2)
        for path in ("/-/drill", "/-/snapshot", "/-/reload"):
            self.assertEqual(sidecar.request(path)[0], 405)
            for wrong in (path + "/", path + "/x", "/" + path):
                self.assertEqual(sidecar.request(wrong, "POST")[0], 404)
        self.assertEqual(sidecar.stop(), 0)

    def test_a_stop_ends_what_was_started(self):
        sidecar = self.start(self.dir, self.cluster.endpoints, lifecycle=True)
        sidecar.wait_for_line("drill passed")
        harness.wait_until(lambda: sidecar.request("/-/drill", "POST")[0] == 202, "a start")
        self.assertEqual(sidecar.stop(), 0)
        self.assertEmpty(self.dir / "scratch")

    def test_not_unless_it_is_wanted(self):
        sidecar = self.start(self.dir, self.cluster.endpoints)
        sidecar.first_answer("/-/healthy")
        for path in ("/-/drill", "/-/snapshot", "/-/reload"):
            status, body = sidecar.request(path, "POST")
            self.assertEqual(status, 403)
            self.assertIn("web.enable_lifecycle", body)


class Failing(StatusCase):
    """A member is gone, the newest snapshot rots, drills can't boot, the objectives are missed."""

    def test_what_it_says(self):
        cluster = harness.Cluster(self.scene, "3.5", size=3)
        harness.fill(cluster)
        sidecar = self.start(self.dir, cluster.endpoints)
        sidecar.wait_for_line("drill passed")
        sidecar.stop()
        time.sleep(1.1)
        cluster.kill(cluster.members[2])
        broken = self.start(self.dir, cluster.endpoints, snapshot=every("2s"),
                            drill=every("2s") | {"etcd": {"binary": "/bin/false"}},
                            objectives={"rpo": "1h", "restorable_rpo": "1s", "rto": "100ms"})
        broken.wait_for_line("drill failed")
        newest = sorted((self.dir / "store").glob("*.db"))[-1]
        with open(newest, "r+b") as file:
            file.seek(newest.stat().st_size // 2)
            file.write(b"\xff" * 512)
        broken.wait_for_line("drill failed", after=3, timeout=40)
        harness.wait_until(lambda: self.api(broken, "status")["members"], "a look at the members")
        for dark in (False, True):
            text = self.look(broken, "status-failing-dark" if dark else "status-failing-light",
                             dark=dark)
            self.assertIn("Action needed:", text)
            self.assertIn("the restore drill fails", text)
            self.assertIn("no recently drilled snapshot", text)
            self.assertIn("✖ not healthy", text)
            self.assertIn(f"{cluster.members[2].client_url} is not healthy", text)
            self.assertIn("etcdrill drill latest --config FILE", text)
            self.assertRegex(text, r"✖ failed: \w+")
        self.assertEqual(self.api(broken, "status")["overall"], "no")
        # The backup is bad, the sidecar is not.
        self.assertEqual(broken.request("/-/ready")[0], 200)


class Empty(StatusCase):
    def test_nothing_has_happened_yet(self):
        # A snapshot that finds no member is tried again for a tenth of its interval: 3 s.
        sidecar = self.start(self.dir, ["http://127.0.0.1:1"], name="new", lifecycle=True,
                             snapshot=every("30s"))
        harness.wait_until(lambda: sidecar.lines("snapshot failed"), "a failure")
        for dark in (False, True):
            text = self.look(sidecar, "status-empty-dark" if dark else "status-empty-light",
                             dark=dark)
            self.assertIn("Not everything is known yet.", text)
            self.assertIn("no snapshot yet", text)
            self.assertIn("The store is empty.", text)
            self.assertIn("The last snapshot failed.", text)
        self.assertEqual(self.api(sidecar, "snapshots")["items"], [])
        self.assertEqual(sidecar.request("/-/ready")[0], 200)
        shutil.move(self.dir / "store", self.dir / "gone")
        (self.dir / "store").touch()  # a file, where a directory should be
        harness.wait_until(lambda: sidecar.request("/-/snapshot", "POST")[0] == 202,
                           "a start, when no other run is under way")
        status, body = harness.wait_until(
            lambda: (answer := sidecar.request("/-/ready"))[0] == 503 and answer,
            "the sidecar to know")
        self.assertIn("store", body)
        self.assertEqual(sidecar.request("/-/healthy")[0], 200)
        self.assertIn("The store is unreadable", self.look(sidecar, "status-store-gone"))


if __name__ == "__main__":
    harness.main()
