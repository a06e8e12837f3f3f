"""Checks that the rules, their tests and the dashboards speak only of metrics and labels that
docs/reference/metrics.md has."""
import re

from artefacts import (CATALOGUE_COLUMNS, REPO, catalogue, dashboard_queries, recordings,
                       rule_tests, rules, selectors, table, variable_selectors)

SINCE_COLUMNS = ["available from", "the metric is on the page"]
FOREIGN = {"up", "grpc_server_handled_total"}  # from Prometheus and from etcd, not from us
TARGET_LABELS = {"cluster", "namespace", "job", "instance"}  # set by Prometheus, not by us


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
                yield f"{where}: {metric} is not in docs/reference/metrics.md"
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
    names = [row[0] for row in table("docs/reference/metrics.md", CATALOGUE_COLUMNS)]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"{name} is listed twice"
    explained = {row[0] for row in table("docs/reference/metrics.md", SINCE_COLUMNS)}
    for row in table("docs/reference/metrics.md", CATALOGUE_COLUMNS):
        if (len(row) != len(CATALOGUE_COLUMNS)
                or not re.fullmatch(r"(etcdrill|process)_[a-z0-9_]+", row[0])
                or not row[2] or not row[4].endswith(".")):
            yield f"odd row: {row}"
        elif (row[1] not in ("gauge", "counter", "histogram")
              or (row[1] == "counter") != row[0].endswith("_total")):
            yield f"{row[0]} cannot be a {row[1]}"
        elif row[3] not in explained:
            yield f"{row[0]}: nothing says what {row[3]} means"


CHECKS = [catalogue_is_well_formed, metrics_are_catalogued]
