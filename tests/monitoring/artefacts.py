"""What the monitoring checks read: docs/reference/metrics.md, alerts/, dashboards/, and the
selectors inside a PromQL expression.

Selectors are found by a tokenizer of a few lines, which knows no grammar; that an expression is
PromQL at all is for promtool to say.
"""
import json
import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).parents[2]
REPO = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT).resolve()


# --- Reading --------------------------------------------------------------------------------------


def table(path, columns):
    """The rows of all tables with these columns in a Markdown file."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", (REPO / path).read_text(), re.M):
        rows = [[cell.strip() for cell in line.strip("|").split("|")]
                for line in block.splitlines()]
        if rows[0] == columns:
            found += rows[2:]
    if not found:
        raise ValueError(f"{path}: no table has the columns {columns}")
    return found


CATALOGUE_COLUMNS = ["name", "type", "labels", "available from", "help"]


def catalogue():
    """name -> (type, {label: closed set of values, or None if any value goes})."""
    metrics = {}
    for name, kind, labels, _, _ in table("docs/reference/metrics.md", CATALOGUE_COLUMNS):
        metrics[name] = kind, {}
        for label in [] if labels == "-" else labels.split(";"):
            key, _, values = label.strip().partition("=")
            closed = values and not values.startswith("(")
            metrics[name][1][key] = set(values.split(",")) if closed else None
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
    return {path.name: json.loads(path.read_text())
            for path in sorted((REPO / "dashboards").glob("*.json"))}


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


# --- PromQL ---------------------------------------------------------------------------------------

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
        elif (re.match(r"[a-zA-Z_:]", token) and token not in WORDS
              and following != "(" and following not in GROUPING):
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
    return re.sub(r"\$(etcd_cluster|job|instance)\b", ".+", expr)


def promtool(*arguments):
    """Nothing if promtool is content, else what it says, in one line."""
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        yield " ".join((done.stdout + done.stderr).split())
