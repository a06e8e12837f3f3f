"""Who watches the sidecar in the end-to-end tests: a real Prometheus and a real Alertmanager, and
the same rules on slowed-down time.

The rules wait for 5, 10 or 15 minutes, and no configuration of ours changes that. So what
Prometheus scraped once a second is played to promtool, whose rule engine is that of Prometheus, as
if every second had been a minute: each time and each duration that was measured is multiplied by
60, and neither a count nor a rule is touched. An outage of 45 seconds is then one of 45 minutes.
"""
import json
import time
import urllib.parse
import urllib.request

import yaml

import harness

RULES = sorted((harness.ROOT / "alerts").glob("*.yml"))
ALERTMANAGER_CONFIG = harness.ROOT / "alerts" / "alertmanager" / "alertmanager.yml"
SLOWER = 60  # a scrape a second becomes one a minute


def ask(port, path, body=None, **parameters):
    """What the JSON API at this path answers."""
    url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(parameters)}"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data,
                                     {"Content-Type": "application/json"} if data else {})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.loads(response.read() or "null")


def wait_ready(process, port, log):
    def ready():
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    harness.wait_until(ready, f"an answer of {log.stem}", timeout=30)


class Alertmanager:
    """On the example that we ship, as it is."""

    def __init__(self, scene, path):
        self.port = harness.free_port()
        log = path / "alertmanager.log"
        process = scene.start([
            "prometheus-alertmanager", "--config.file", ALERTMANAGER_CONFIG,
            "--storage.path", path / "am", "--web.listen-address", f"127.0.0.1:{self.port}",
            "--cluster.listen-address="
        ], log)
        wait_ready(process, self.port, log)

    def post(self, alerts):
        ask(self.port, "/api/v2/alerts", [{"labels": labels} for labels in alerts])

    def states(self, **labels):
        """{alert name: active or suppressed} of the alerts with these labels."""
        found = [alert for alert in ask(self.port, "/api/v2/alerts")
                 if labels.items() <= alert["labels"].items()]
        return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in found}


class Prometheus:
    """On the rules that we ship, as they are. targets: {job: {cluster: [address]}}. A sidecar says
    itself whose it is; etcd has to be told."""

    def __init__(self, scene, path, targets, alertmanager):
        self.port = harness.free_port()
        second = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        receiver = {"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}
        config = {
            "global": second,
            "rule_files": [str(rule) for rule in RULES],
            "alerting": {"alertmanagers": [receiver]},
            "scrape_configs": [{
                "job_name": job,
                "static_configs": [{
                    "targets": addresses,
                    "labels": {} if job == "etcdrill" else {"etcd_cluster": cluster}
                } for cluster, addresses in clusters.items()]
            } for job, clusters in targets.items()]
        }
        (path / "prometheus.yml").write_text(yaml.safe_dump(config))
        log = path / "prometheus.log"
        process = scene.start([
            "prometheus", "--config.file", path / "prometheus.yml", "--storage.tsdb.path",
            path / "tsdb", "--web.listen-address", f"127.0.0.1:{self.port}"
        ], log)
        wait_ready(process, self.port, log)

    def query(self, expr, at=None):
        """[(labels, value or samples)] of an instant query."""
        at = at or time.time()
        result = ask(self.port, "/api/v1/query", query=expr, time=at)["data"]["result"]
        return [(series["metric"], series.get("values") or series["value"]) for series in result]

    def query_range(self, expr, start, end):
        """[(labels, [number])], a number for each second."""
        answer = ask(self.port, "/api/v1/query_range", query=expr, start=start, end=end,
                     step=1)["data"]["result"]
        return [(series["metric"], [float(value) for _, value in series["values"]])
                for series in answer]


# --- What would fire ------------------------------------------------------------------------------


def firing(families, path, alerts):
    """Those of the alerts that fire after half an hour of what a sidecar shows now
    (Sidecar.metrics())."""
    series = [{
        "series": selector({"__name__": name, "job": "etcdrill", "instance": "cp1"} | labels),
        "values": f"{value}x30"
    } for family in families.values()
        for name, labels, value in family.samples if name.startswith("etcdrill_")]
    found = set()
    for alert in alerts:
        expr = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > 0 or vector(0)'
        test = {"expr": expr, "eval_time": "30m", "exp_samples": [{"labels": "{}", "value": 0}]}
        content = {
            "rule_files": [str(rule) for rule in RULES], "evaluation_interval": "1m",
            "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [test]}]
        }
        file = path / f"{alert}.yml"
        file.write_text(yaml.safe_dump(content, width=1_000_000))
        outcome = harness.run(["promtool", "test", "rules", file], timeout=120)
        if outcome.code != 0:
            if "got:" not in outcome.out + outcome.err:
                raise AssertionError(outcome.out + outcome.err)
            found.add(alert)
    return found


# --- Slowed-down time -----------------------------------------------------------------------------


def slowed(name, value, start):
    if name.endswith(("_timestamp_seconds", "_time_seconds")):
        return (value - start) * SLOWER
    if name.endswith("_seconds"):
        return value * SLOWER
    return value


def selector(labels):
    """{label: value} as PromQL writes it."""
    pairs = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items())
                     if label != "__name__")
    return f"{labels.get('__name__', '')}{{{pairs}}}"


def notation(name, values, scrapes, start, length):
    """The values of one series, {second: number}, as promtool wants them. A scrape in which it was
    missing makes it stale; a second without a scrape is just a gap."""
    return " ".join(
        f"{slowed(name, values[second], start):.3f}" if second in values
        else "stale" if second in scrapes else "_" for second in range(length))


class SlowMotion:
    """What Prometheus scraped from start to end, played to the rules at one sixtieth of the
    speed."""

    def __init__(self, prometheus, path, start, end):
        self._path = path
        self.minutes = int(end - start)
        scraped = ('{__name__=~"up|etcdrill_.*|process_start_time_seconds",'
                   '__name__!~".*_(bucket|sum|count)",job="etcdrill"}')
        found = [(labels, {round(float(moment) - start): float(number)
                           for moment, number in samples})
                 for labels, samples in prometheus.query(f"{scraped}[{self.minutes}s]", end)]
        scrapes = {labels["instance"]: values.keys()
                   for labels, values in found if labels["__name__"] == "up"}
        self._series = [{
            "series": selector(labels),
            "values": notation(labels["__name__"], values, scrapes[labels["instance"]], start,
                               self.minutes)
        } for labels, values in found]

    def problems(self, expectations):
        """expectations: [(PromQL, minute, [labels of a result of value 1])]; what promtool says of
        those that do not hold."""
        groups = [group["name"] for rule in RULES
                  for group in yaml.safe_load(rule.read_text())["groups"]]
        groups.sort(key=lambda name: "recording" not in name)
        tests = [{"expr": expr, "eval_time": f"{minute}m",
                  "exp_samples": [{"labels": selector(labels), "value": 1} for labels in expected]}
                 for expr, minute, expected in expectations]
        content = {
            "rule_files": [str(rule) for rule in RULES], "evaluation_interval": "1m",
            "group_eval_order": groups,
            "tests": [{"interval": "1m", "input_series": self._series, "promql_expr_test": tests}]
        }
        file = self._path / "slow-motion.yml"
        file.write_text(yaml.safe_dump(content, width=1_000_000))
        outcome = harness.run(["promtool", "test", "rules", file], timeout=120)
        return "" if outcome.code == 0 else outcome.out + outcome.err
