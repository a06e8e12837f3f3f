"""What tests of S3Objects on a real server have in common: they run s3_conformance, a program of
tests that takes the server's address from its environment."""
import harness
from fault_proxy import FaultProxy


class S3Case(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.program = harness.build_dir() / "tests" / "s3_conformance"

    def proxy(self, server, *rules):
        proxy = FaultProxy(("127.0.0.1", server.port), *rules)
        self.addCleanup(proxy.close)
        return proxy

    def run_tests(self, tag, environment):
        outcome = harness.run([self.program, tag], env=environment, timeout=300 * harness.slower())
        self.assertEqual(outcome.code, 0, outcome.out[-3000:] + outcome.err[-1000:])
        return outcome.out

    def told(self, environment):
        """The reason and the text of a PUT that fails."""
        return self.answers("[wrong]", environment)["told"]

    def answers(self, tag, environment):
        """What the tests print of what they saw: lines `WHAT: ANSWER`."""
        lines = self.run_tests(tag, environment).splitlines()
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    def check_killed_upload(self, server, bucket, request):
        """Kills an upload when it makes this request; nothing of it is visible, and what was begun
        is swept."""
        proxy = self.proxy(server, f"hang:method={request}")
        process = self.scene.start([self.program, "[put]"], self.dir / "log",
                                   env=server.environment(bucket, endpoint=proxy.url))
        harness.wait_until(lambda: not proxy.unused(), "the request is on its way")
        process.kill()
        process.wait()
        self.assertEqual(server.owner.ask("HEAD", f"/{bucket}/large").status, 404)
        begun = 0 if "uploads=" in request else 1
        self.run_tests("[sweep]", server.environment(bucket, expected_sweep=begun))
        # And nothing is in the way of the next one.
        self.run_tests("[transfer]", server.environment(bucket))
