#!/usr/bin/env python3
"""Checks that docs/metrics.md, alerts/, dashboards/ and docs/alerts.md are sound and speak of the same things.

Each check is a function that yields one line per problem; it prints `ok NAME` or `FAIL NAME: why`, and the exit status
is 1 if any failed. Nothing here needs Prometheus or Grafana to run, only promtool on PATH and python3-yaml.

Usage: check_monitoring.py [REPOSITORY]
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

REPO = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
RUNBOOK_URL = "https://github.com/etcdrill/etcdrill/blob/main/alerts/runbooks/{}.md"
FOREIGN = {"up", "grpc_server_handled_total"}  # from Prometheus and from etcd, not from us
TARGET_LABELS = {"cluster", "namespace", "job", "instance"}  # set by the scrape, not by us
# Selectors that need not name every target label, with the reason.
FEWER_LABELS = {"job:": "recording rules of a whole cluster, which have no instance any more"}
DATA_PANELS = {"stat", "gauge", "timeseries", "table", "state-timeline"}


# --- Reading -----------------------------------------------------------------------------------------------------------


def table(path, columns):
    """The rows of the one table with these columns in a Markdown file."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in (REPO / path).read_text().splitlines() if line.startswith("|")]
    if rows[:1] != [columns]:
        raise ValueError(f"{path}: the table must have the columns {columns}")
    return rows[2:]


def catalogue():
    """name -> (type, {label: closed set of values, or None if any value goes})."""
    metrics = {}
    for name, kind, labels, _ in table("docs/metrics.md", ["name", "type", "labels", "help"]):
        metrics[name] = kind, {}
        for label in [] if labels == "-" else labels.split(";"):
            key, _, values = label.strip().partition("=")
            metrics[name][1][key] = None if not values or values.startswith("(") else set(values.split(","))
    return metrics


def rules():
    for path in sorted((REPO / "alerts").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield group, rule


def alerts():
    return [rule for _, rule in rules() if "alert" in rule]


def recordings():
    return {rule["record"]: rule["expr"] for _, rule in rules() if "record" in rule}


def rule_tests():
    for path in sorted((REPO / "alerts/tests").glob("*.yml")):
        for test in yaml.safe_load(path.read_text())["tests"]:
            yield path.name, test


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in sorted((REPO / "dashboards").glob("*.json"))}


def panels():
    """(where, panel), with those inside collapsed rows."""
    for name, board in dashboards().items():
        for panel in board["panels"]:
            for p in [panel, *panel.get("panels", [])]:
                yield f"{name}: panel {p.get('id')} ({p.get('title')})", p


def dashboard_queries():
    """(where, PromQL) of panels and annotations."""
    for where, panel in panels():
        for target in panel.get("targets", []):
            yield where, target["expr"]
    for name, board in dashboards().items():
        for annotation in board["annotations"]["list"]:
            yield f"{name}: annotation {annotation['name']}", annotation["expr"]


def variables():
    for name, board in dashboards().items():
        for variable in board["templating"]["list"]:
            yield f"{name}: variable {variable['name']}", variable


def variable_selectors():
    """(where, metric or selector) that the query variables read their values from."""
    for where, variable in variables():
        match = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"])
        if match:
            yield where, match[1]


# --- PromQL ------------------------------------------------------------------------------------------------------------

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\[[^]]*\]|[a-zA-Z_:][\w:]*|\d[\w.]*|[=!]~|!=|\S')
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = GROUPING | {"and", "or", "unless", "bool", "offset"}


def selectors(expr):
    """[(metric, {label: (operator, value)})] of every selector in the expression."""
    tokens = TOKEN.findall(expr) + [""]
    found, i = [], 0
    while i < len(tokens) - 1:
        token, following = tokens[i], tokens[i + 1]
        i += 1
        if token in GROUPING and following == "(":
            i = tokens.index(")", i) + 1
        elif re.match(r"[a-zA-Z_:]", token) and token not in WORDS and following != "(" and following not in GROUPING:
            matchers = {}
            if following == "{":
                end = tokens.index("}", i)
                for j in range(i + 1, end, 4):  # label, operator, value, comma
                    matchers[tokens[j]] = tokens[j + 1], tokens[j + 2].strip('"')
                i = end + 1
            found.append((token, matchers))
    return found


def expand(expr):
    """The metrics that an expression reads in the end, through recording rules."""
    recorded = recordings()
    names = set()
    for name, _ in selectors(expr):
        names |= expand(recorded[name]) if name in recorded else {name}
    return names


def substitute(expr):
    for variable, value in (("$__rate_interval", "5m"), ("$__interval", "5m"), ("$__range", "7d")):
        expr = expr.replace(variable, value)
    return re.sub(r"\$(cluster|job|instance)\b", ".+", expr)


def promtool(*arguments):
    """Nothing if promtool is content, else what it says, in one line."""
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        yield " ".join((done.stdout + done.stderr).split())


# --- Checks: dashboards ------------------------------------------------------------------------------------------------


def dashboard_json_parses():
    if not dashboards():
        yield "there is no dashboard"


def dashboard_settings():
    for name, board in dashboards().items():
        for key, value in (("id", None), ("editable", False), ("schemaVersion", 39), ("uid", name[:-len(".json")])):
            if board.get(key, "unset") != value:
                yield f"{name}: {key} must be {json.dumps(value)}"
        if "__inputs" in board:
            yield f"{name}: __inputs is of exported dashboards and cannot be provisioned"


def dashboard_variables():
    for name, board in dashboards().items():
        names = [variable["name"] for variable in board["templating"]["list"]]
        if names != ["datasource", "cluster", "job", "instance"]:
            yield f"{name}: variables are {names}"
    for where, variable in variables():
        wanted = {"type": "query", "refresh": 2, "multi": True, "includeAll": True,
                  "allValue": ".*" if variable["name"] == "cluster" else ".+", "label": variable["name"].capitalize()}
        if variable["name"] == "datasource":
            wanted = {"type": "datasource", "query": "prometheus", "label": "Data source"}
        elif not re.fullmatch(r"label_values\(.+, \w+\)", variable["query"]):
            yield f"{where}: the query is not label_values(SELECTOR, LABEL)"
        for key, value in wanted.items():
            if variable.get(key) != value:
                yield f"{where}: {key} must be {json.dumps(value)}"


def panel_ids_unique():
    seen = {}
    for where, panel in panels():
        key = where.split(":")[0], panel["id"]
        if key in seen:
            yield f"{where} has the id of {seen[key]}"
        seen[key] = where


def panel_positions():
    taken = {}
    for where, panel in panels():
        pos, name = panel["gridPos"], where.split(":")[0]
        if pos["x"] < 0 or pos["w"] < 1 or pos["h"] < 1 or pos["x"] + pos["w"] > 24:
            yield f"{where} is wider than the dashboard"
        cells = {(name, x, y) for x in range(pos["x"], pos["x"] + pos["w"]) for y in range(pos["y"], pos["y"] + pos["h"])}
        yield from sorted({f"{where} overlaps {taken[cell]}" for cell in cells if cell in taken})
        taken.update(dict.fromkeys(cells, where))


def panel_datasources():
    want = {"type": "prometheus", "uid": "${datasource}"}

    def wrong(where, item, must_have):
        if item.get("datasource", want if not must_have else None) != want:
            yield f"{where}: datasource must be ${{datasource}}"

    for where, panel in panels():
        yield from wrong(where, panel, panel["type"] != "row")
        for target in panel.get("targets", []):
            yield from wrong(f"{where}, target {target['refId']}", target, True)
    for name, board in dashboards().items():
        for annotation in board["annotations"]["list"]:
            yield from wrong(f"{name}: annotation {annotation['name']}", annotation, True)
    for where, variable in variables():
        yield from wrong(where, variable, variable["type"] == "query")


def panel_texts():
    for where, panel in panels():
        if panel["type"] == "row":
            continue
        if panel["type"] not in DATA_PANELS:
            yield f"{where}: type {panel['type']} is not known here"
        for key in ("title", "description"):
            if not panel.get(key):
                yield f"{where}: no {key}"
        defaults = panel["fieldConfig"]["defaults"]
        if not defaults.get("unit") and not defaults.get("mappings"):
            yield f"{where}: neither unit nor mappings"
        if not panel.get("targets"):
            yield f"{where}: no targets"
        if panel["type"] in ("timeseries", "state-timeline") and not all(t.get("legendFormat") for t in panel["targets"]):
            yield f"{where}: a target without legendFormat"
        if panel["type"] == "table" and not all(t.get("instant") and t.get("format") == "table" for t in panel["targets"]):
            yield f"{where}: a target of a table must be instant and of format table"


def dashboard_selectors():
    for where, expr in dashboard_queries():
        for metric, matchers in selectors(expr):
            fewer = metric.startswith(tuple(FEWER_LABELS))
            for label in ("cluster", "job") if fewer else ("cluster", "job", "instance"):
                if matchers.get(label) != ("=~", f"${label}"):
                    yield f'{where}: {metric} lacks {label}=~"${label}"'


def dashboard_rates():
    for where, expr in dashboard_queries():
        for function, window in re.findall(r"\b(i?rate)\([^\[]*\[([^]]*)\]", expr):
            if window != "$__rate_interval":
                yield f"{where}: {function} over {window} instead of $__rate_interval"
        inside = set(re.findall(r"\b(?:i?rate|increase)\((\w+)", expr))
        for metric, _ in selectors(expr):
            if metric.endswith("_total") and metric not in inside:
                yield f"{where}: the counter {metric} is shown raw"


def dashboard_promql_parses():
    # As alerts, since an alert may have any name, and promtool then says where the query stands.
    queries = [{"alert": where, "expr": substitute(expr)} for where, expr in [*dashboard_queries(), *variable_selectors()]]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": queries}]}, file)
        file.flush()
        yield from promtool("check", "rules", "--lint=none", file.name)


# --- Checks: names -----------------------------------------------------------------------------------------------------


def all_selectors():
    for where, expr in [*dashboard_queries(), *variable_selectors()]:
        for metric, matchers in selectors(expr):
            yield where, metric, matchers
    for _, rule in rules():
        for metric, matchers in selectors(rule["expr"]):
            yield rule.get("alert") or rule["record"], metric, matchers
    for name, test in rule_tests():
        for series in test["input_series"]:
            for metric, matchers in selectors(series["series"]):
                yield f"alerts/tests/{name}", metric, matchers


def metrics_are_catalogued():
    known, recorded = catalogue(), recordings()
    for where, metric, matchers in all_selectors():
        if metric in FOREIGN or metric in recorded:
            continue
        base = metric
        if metric not in known:
            base = re.sub(r"_(bucket|sum|count)$", "", metric)
            if known.get(base, [""])[0] != "histogram":
                yield f"{where}: {metric} is not in docs/metrics.md"
                continue
        labels = known[base][1]
        for label, (_, value) in matchers.items():
            if label in TARGET_LABELS or label == "le" and base != metric:
                continue
            if label not in labels:
                yield f"{where}: {metric} has no label {label}"
            elif labels[label] is not None and not set(value.split("|")) <= labels[label]:
                yield f"{where}: {metric} never has {label}={value}"


def catalogue_is_well_formed():
    names = [row[0] for row in table("docs/metrics.md", ["name", "type", "labels", "help"])]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"{name} is listed twice"
    for row in table("docs/metrics.md", ["name", "type", "labels", "help"]):
        if len(row) != 4 or not re.fullmatch(r"(etcdrill|process)_[a-z0-9_]+", row[0]) or not row[2] or not row[3].endswith("."):
            yield f"odd row: {row}"
        elif row[1] not in ("gauge", "counter", "histogram") or (row[1] == "counter") != row[0].endswith("_total"):
            yield f"{row[0]} cannot be a {row[1]}"


# --- Checks: rules -----------------------------------------------------------------------------------------------------


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


def alerts_are_tested():
    """Each alert and severity fires somewhere, and is silent somewhere where all of its series exist."""
    fired, silent = set(), set()
    needs = {}
    for rule in alerts():
        needs.setdefault(rule["alert"], set()).update(expand(rule["expr"]))
    for _, test in rule_tests():
        present = {metric for series in test["input_series"] for metric, _ in selectors(series["series"])}
        for case in test.get("alert_rule_test", []):
            name = case["alertname"]
            fired |= {(name, alert["exp_labels"]["severity"]) for alert in case.get("exp_alerts", [])}
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
        yield f"{name} is " + ("an alert without a runbook" if name in names else "a runbook without an alert")
    for name, text in sorted(books.items()):
        headings = re.findall(r"^#+ .*", text, re.M)
        if headings != [f"# {name}", "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]:
            yield f"{name}: headings are {headings}"
        for other in sorted(set(re.findall(r"Etcd(?:Backup|Restore)\w+", text)) - names):
            yield f"{name} speaks of {other}, which is no alert"


def alerts_are_documented():
    rows = table("docs/alerts.md", ["alert", "severity", "fires when", "runbook"])
    for row in rows:
        if row[3] != f"[runbook](../alerts/runbooks/{row[0]}.md)":
            yield f"{row[0]}: the link is {row[3]}"
    listed = {(row[0], row[1]) for row in rows}
    real = {(rule["alert"], rule["labels"]["severity"]) for rule in alerts()}
    for name, severity in sorted(listed ^ real):
        yield f"{name} ({severity}) is in " + ("docs/alerts.md only" if (name, severity) in listed else "alerts/ only")
    mentioned = set(re.findall(r"Etcd(?:Backup|Restore)\w+", (REPO / "docs/alerts.md").read_text()))
    for name in sorted(mentioned - {name for name, _ in real}):
        yield f"{name} is mentioned, but is no alert"


CHECKS = [
    dashboard_json_parses, dashboard_settings, dashboard_variables, panel_ids_unique, panel_positions, panel_datasources,
    panel_texts, dashboard_selectors, dashboard_rates, dashboard_promql_parses,
    catalogue_is_well_formed, metrics_are_catalogued,
    rules_pass_promtool, rule_tests_pass, alert_style, alerts_are_tested, alerts_have_runbooks, alerts_are_documented,
]


def main():
    failed = False
    for check in CHECKS:
        try:
            problems = list(check())
        except Exception as error:  # a file that cannot be read fails the check that wanted it, and not the others
            problems = [f"{type(error).__name__}: {error}"]
        print(f"FAIL {check.__name__}: {'; '.join(problems)}" if problems else f"ok {check.__name__}", flush=True)
        failed |= bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
