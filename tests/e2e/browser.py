"""A real Chromium without a screen, driven over its debugging pipe (file descriptors 3 and 4,
messages end in NUL), so that no library is needed. It is started with an empty profile, and may
look up no name but those of this machine."""
import base64
import json
import os
import pathlib
import shutil
import subprocess

import harness


class Page:
    """One tab. What it asked the network for and what it complained of is in `requests` and
    `complaints`."""

    def __init__(self, scene):
        profile = scene.new_dir()
        to_chromium, self._write = os.pipe()
        self._read, from_chromium = os.pipe()

        def plumb():
            # Through high numbers, because 3 and 4 may be the ends that are to be moved.
            os.dup2(to_chromium, 103)
            os.dup2(from_chromium, 104)
            os.dup2(103, 3)
            os.dup2(104, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        command = [
            shutil.which("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--remote-debugging-pipe", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--hide-scrollbars",
            f"--user-data-dir={profile}", "about:blank"
        ]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=plumb,
            env={**harness.environment(), "HOME": str(profile)})
        os.close(to_chromium)
        os.close(from_chromium)
        self._buffer = b""
        self._next = 0
        self._session = None
        self.requests = []
        self.complaints = []
        target = next(t for t in self._call("Target.getTargets")["targetInfos"]
                      if t["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=target["targetId"],
                                   flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def close(self):
        if self._process.poll() is None:
            try:
                self._session = None
                self._call("Browser.close")
            except (EOFError, OSError):
                pass
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        os.close(self._read)
        os.close(self._write)

    def _message(self):
        while b"\0" not in self._buffer:
            chunk = os.read(self._read, 1 << 16)
            if not chunk:
                raise EOFError("chromium ended")
            self._buffer += chunk
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event):
        parameters = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event.get("method") == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(parameters["exceptionDetails"]["text"])
        elif event.get("method") == "Runtime.consoleAPICalled":
            self.complaints.append(str(parameters["args"]))

    def _call(self, method, **parameters):
        self._next += 1
        message = {"id": self._next, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._next:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def open(self, url, dark=False, width=1200, script=True):
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=900,
                   deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Emulation.setScriptExecutionDisabled", value=not script)
        self._call("Page.navigate", url=url)
        loaded = "document.readyState === 'complete' && location.href !== 'about:blank'"
        harness.wait_until(lambda: self.run(loaded), url)

    def run(self, expression):
        """The value of a JavaScript expression; the protocol may run it even where pages may
        not."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True,
                            awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def press_tab(self):
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                       windowsVirtualKeyCode=9)

    def accessible_names(self):
        """role -> the names that a screen reader would say."""
        names = {}
        for node in self._call("Accessibility.getFullAXTree")["nodes"]:
            if not node.get("ignored"):
                said = node.get("name", {}).get("value", "")
                names.setdefault(node["role"]["value"], []).append(said)
        return names

    def screenshot(self, name, height=None, directory=None):
        """Of the whole page, or of its top; kept in the build's test-artefacts."""
        whole = height is None
        height = height or int(self.run("document.documentElement.scrollHeight"))
        width = int(self.run("innerWidth"))
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                   deviceScaleFactor=1, mobile=False)
        image = base64.b64decode(
            self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])
        directory = pathlib.Path(directory or harness.build_dir() / "test-artefacts")
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{name}.png").write_bytes(image)
        return directory / f"{name}.png"
