"""Checks of alerts/: promtool and amtool are content, every alert is tested, has a runbook and a
line in docs/reference/alerts.md."""
import re
import subprocess
import sys

import yaml

from artefacts import (REPO, alerts, catalogue, expand, promtool, recordings, rule_tests, rules,
                       selectors, table)

RUNBOOK_URL = "https://github.com/etcdrill/etcdrill/blob/main/alerts/runbooks/{}.md"


def rules_pass_promtool():
    for path in sorted((REPO / "alerts").glob("*.yml")):
        yield from promtool("check", "rules", "--lint=all", "--lint-fatal", path)


def rule_tests_pass():
    for path in sorted((REPO / "alerts/tests").glob("*.yml")):
        yield from promtool("test", "rules", path)


def alert_style():
    for group, rule in rules():
        if len(group["rules"]) > 20 or len(group["name"]) > 40:
            yield f"group {group['name']} is too large or its name too long"
        name = rule.get("alert")
        if name is None:
            continue
        notes = rule.get("annotations", {})
        if not re.fullmatch(r"Etcd(Backup|Restore)[A-Za-z]{,28}", name):
            yield f"{name}: the name"
        if rule.get("labels", {}).get("severity") not in ("critical", "warning", "info"):
            yield f"{name}: no severity"
        if not re.fullmatch(r"[A-Z][^{}]+\.", notes.get("summary", "")):
            yield f"{name}: the summary must be one sentence without a template"
        if "{{" not in notes.get("description", ""):
            yield f"{name}: the description must be a template"
        if notes.get("runbook_url") != RUNBOOK_URL.format(name):
            yield f"{name}: runbook_url must be {RUNBOOK_URL.format(name)}"


def promql_style():
    """What pint would say without a server."""
    for group, rule in rules():
        name, expr = rule.get("alert") or rule["record"], rule["expr"]
        for metric, matchers in selectors(expr):
            for label, (operator, value) in matchers.items():
                if operator == "=~" and (not re.search(r"[|.*+?\[(]", value)
                                         or value.startswith("^") or value.endswith("$")):
                    yield f"{name}: {metric} matches {label} by a needless expression"
                if label == "le":
                    yield f"{name}: le is written in another way by Prometheus 3"
        if re.search(r"\b(topk|bottomk)\b", expr):
            yield f"{name}: the alert would change its identity with each evaluation"
        for window in re.findall(r"\[(\d+)d\]", expr):
            if int(window) > 15:
                yield f"{name}: Prometheus keeps 15 days by default"
        if "alert" in rule:
            if not re.search(r"[<>]|==|!=|\babsent\(|\bunless\b", expr):
                yield f"{name}: no comparison, so it always fires"
            if "absent(" in expr and "for" not in rule:
                yield (f"{name}: absent needs a for, "
                       "as nothing is there right after a start of Prometheus")
            if (any("$value" in text for text in rule["labels"].values())
                    or {"cluster", "etcd_cluster", "instance"} & rule["labels"].keys()):
                yield f"{name}: a label that changes with the value or hides one of the target"
        elif not re.fullmatch(r"(instance|job):etcdrill_[a-z_]+:[a-z0-9]+", name):
            yield f"{name}: not level:metric:operation"
        elif "interval" not in group:
            yield f"{name}: its group has no interval of its own"


def kubernetes_has_the_same_rules():
    path = REPO / "deploy/kustomize/components/rules/prometheusrule.yaml"
    groups = [group for file in sorted((REPO / "alerts").glob("*.yml"))
              for group in yaml.safe_load(file.read_text())["groups"]]
    if yaml.safe_load(path.read_text())["spec"]["groups"] != groups:
        yield f"{path.name} differs from alerts/*.yml: run scripts/render-rules"
    done = subprocess.run([sys.executable, REPO / "scripts/render-rules", "--check"],
                          capture_output=True, text=True)
    if done.returncode:
        yield done.stderr.strip()


def alertmanager_example():
    """Alertmanager takes it, and every alert that it names exists."""
    path = REPO / "alerts/alertmanager/alertmanager.yml"
    done = subprocess.run(["amtool", "check-config", path], capture_output=True, text=True)
    if done.returncode:
        yield " ".join((done.stdout + done.stderr).split())
    names = {rule["alert"] for rule in alerts()}
    for rule in yaml.safe_load(path.read_text())["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            label, value = re.fullmatch(r'(\w+)(?:=~?|!=|!~)"([^"]+)"', matcher).groups()
            for name in value.split("|") if label == "alertname" else []:
                if name not in names:
                    yield f"{name} is no alert"


def alerts_are_tested():
    """Each alert and severity fires somewhere, and is silent somewhere where all of its series
    exist."""
    fired, silent = set(), set()
    needs = {}
    for rule in alerts():
        needs.setdefault(rule["alert"], set()).update(expand(rule["expr"]))
    for _, test in rule_tests():
        present = {metric for series in test["input_series"]
                   for metric, _ in selectors(series["series"])}
        for case in test.get("alert_rule_test", []):
            name = case["alertname"]
            fired |= {(name, alert["exp_labels"]["severity"])
                      for alert in case.get("exp_alerts", [])}
            if not case.get("exp_alerts") and needs.get(name, set()) <= present:
                silent.add(name)
    for rule in alerts():
        if (rule["alert"], rule["labels"]["severity"]) not in fired:
            yield f"{rule['alert']} ({rule['labels']['severity']}) never fires in a test"
        if rule["alert"] not in silent:
            yield f"{rule['alert']} is never silent in a test that has all its series"


def alerts_have_runbooks():
    names = {rule["alert"] for rule in alerts()}
    books = {path.stem: path.read_text() for path in (REPO / "alerts/runbooks").glob("*.md")}
    for name in sorted(names ^ books.keys()):
        kind = "an alert without a runbook" if name in names else "a runbook without an alert"
        yield f"{name} is {kind}"
    for name, text in sorted(books.items()):
        headings = re.findall(r"^#+ .*", text, re.M)
        if headings != [f"# {name}", "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]:
            yield f"{name}: headings are {headings}"
        for other in sorted(set(re.findall(r"Etcd(?:Backup|Restore)\w+", text)) - names):
            yield f"{name} speaks of {other}, which is no alert"


def runbook_commands_find_something():
    """Whatever a runbook looks for in /metrics is there to be found. tests/e2e/test_monitoring.py
    runs the commands."""
    known = [
        f"{name}{{" + ",".join(f'{label}="{value}"' for value in values or [""]) + "}"
        for name, (_, labels) in catalogue().items()
        for label, values in (labels or {"": None}).items()
    ]
    for path in sorted((REPO / "alerts/runbooks").glob("*.md")):
        for pattern in re.findall(r"/metrics \| grep -E '([^']+)'", path.read_text()):
            for alternative in re.split(r"\|(?![^(]*\))", pattern):
                if not any(re.search(alternative, line) for line in known):
                    yield f"{path.stem}: no metric matches {alternative}"


def alerts_are_documented():
    rows = table("docs/reference/alerts.md", ["alert", "severity", "fires when", "runbook"])
    for row in rows:
        if row[3] != f"[runbook](../../alerts/runbooks/{row[0]}.md)":
            yield f"{row[0]}: the link is {row[3]}"
    listed = {(row[0], row[1]) for row in rows}
    real = {(rule["alert"], rule["labels"]["severity"]) for rule in alerts()}
    for name, severity in sorted(listed ^ real):
        where = "docs/reference/alerts.md" if (name, severity) in listed else "alerts/"
        yield f"{name} ({severity}) is in {where} only"
    page = (REPO / "docs/reference/alerts.md").read_text()
    mentioned = set(re.findall(r"Etcd(?:Backup|Restore)\w+", page))
    for name in sorted(mentioned - {name for name, _ in real}):
        yield f"{name} is mentioned, but is no alert"


CHECKS = [
    rules_pass_promtool,
    rule_tests_pass,
    alert_style,
    promql_style,
    kubernetes_has_the_same_rules,
    alertmanager_example,
    alerts_are_tested,
    alerts_have_runbooks,
    runbook_commands_find_something,
    alerts_are_documented,
]
