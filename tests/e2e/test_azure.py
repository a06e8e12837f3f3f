#!/usr/bin/env python3
"""Objects in Azure's blobs, as the example of a provider that is not S3: through the real rclone,
at Azurite, which is Microsoft's own server for tests (scripts/fetch-tools). What it does not take,
Azure does not take either: it is stricter with metadata than S3. Skipped by name where Node, rclone
or Azurite is missing."""
import shutil
import sys
import unittest

sys.dont_write_bytecode = True
import harness

TOOLS = harness.ROOT / "build" / "tools"
SERVER = TOOLS / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
# With `use_emulator` rclone signs with the account and the key that everybody's Azurite has:
# learn.microsoft.com/azure/storage/common/storage-use-azurite.
CONFIG = """[azure]
type = azureblob
use_emulator = true
endpoint = {url}
[stranger]
type = azureblob
account = devstoreaccount1
key = bm90IHRoZSBrZXk=
endpoint = {url}
"""


class AzureTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for what, path in [("rclone", TOOLS / "rclone"), ("azurite", SERVER)]:
            if not path.exists():
                raise unittest.SkipTest(f"{what} is not there (scripts/fetch-tools)")
        if not shutil.which("node"):
            raise unittest.SkipTest("node is not there")
        path = cls.scene.new_dir()
        port = harness.free_port()
        # Newer rclones ask for versions of the interface that Azurite does not know by name yet.
        cls.scene.start(
            ["node", SERVER, "--blobHost", "127.0.0.1", "--blobPort", port, "--inMemoryPersistence",
             "--extentMemoryLimit", "512", "--skipApiVersionCheck", "--disableTelemetry",
             "--silent"], path / "log", cwd=path)
        cls.config = path / "rclone.conf"
        cls.config.write_text(CONFIG.format(url=f"http://127.0.0.1:{port}/devstoreaccount1"))
        harness.wait_until(lambda: cls.rclone("mkdir", "azure:backups").code == 0,
                           "azurite makes a container", timeout=60)

    @classmethod
    def rclone(cls, *arguments):
        return harness.run([TOOLS / "rclone", "--config", cls.config, "--retries", "1",
                            "--low-level-retries", "1", *arguments])

    def conform(self, *arguments, remote="azure:backups/prod/a"):
        """What rclone_conformance says, on one line, and whether it ended well."""
        outcome = harness.run(
            [harness.build_dir() / "tests" / "rclone_conformance", *arguments],
            env={"RCLONE_PROGRAM": str(TOOLS / "rclone"), "RCLONE_CONFIG_FILE": str(self.config),
                 "RCLONE_REMOTE": remote}, timeout=600 * harness.slower())
        return " ".join(outcome.out.split()), outcome.code

    def test_promises_of_a_store(self):
        said, code = self.conform()
        self.assertEqual(code, 0, said[-5000:])
        # Nothing of it lies outside of the folder.
        listed = self.rclone("lsf", "azure:backups").out
        self.assertEqual(listed, "prod/\n")

    def test_a_missing_container_is_never_made(self):
        said, code = self.conform("-c", "an object comes back", remote="azure:nothing/prod")
        self.assertNotEqual(code, 0)
        self.assertIn("make it (`rclone mkdir`)", said)
        self.assertNotIn("nothing", self.rclone("lsd", "azure:").out)

    def test_a_wrong_key(self):
        """One line, though rclone writes a page."""
        said, code = self.conform("-c", "an object comes back", remote="stranger:backups")
        self.assertNotEqual(code, 0)
        self.assertRegex(said, r"RESPONSE 403: .* \| ERROR CODE: \w+; give these keys the right")
        self.assertNotIn("<Error>", said)


if __name__ == "__main__":
    harness.main()
