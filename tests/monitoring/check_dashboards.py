"""Checks of dashboards/: Grafana can provision them, people can read them, and they keep the rules
of dashboard-linter."""
import json
import re
import tempfile

import yaml

from artefacts import (REPO, catalogue, dashboard_queries, dashboards, panels, promtool, selectors,
                       substitute, variable_selectors, variables)

# Selectors that need not name every target label, with the reason; dashboards/.lint tells
# dashboard-linter the same.
FEWER_LABELS = {"job:": "recording rules of a whole cluster, which have no instance any more"}
DATA_PANELS = {"stat", "gauge", "timeseries", "table", "state-timeline", "status-history"}
# Grafana's names; an unknown one is shown behind the number as it is.
UNITS = {"Bps", "bytes", "dateTimeFromNow", "none", "percentunit", "reqps", "s", "short"}
TAG = "etcd-backup"


def dashboard_json_parses():
    if not dashboards():
        yield "there is no dashboard"


def dashboard_settings():
    titles = [board["title"] for board in dashboards().values()]
    if len(set(titles)) != len(titles) or len(titles) < 2:
        yield f"the titles are {titles}"
    for name, board in dashboards().items():
        for key, value in (("id", None), ("editable", False), ("schemaVersion", 39),
                           ("uid", name[:-len(".json")])):
            if board.get(key, "unset") != value:
                yield f"{name}: {key} must be {json.dumps(value)}"
        if not board.get("description"):
            yield f"{name}: no description"
        if TAG not in board["tags"] or not any(link["tags"] == [TAG] for link in board["links"]):
            yield f"{name}: the dashboards find each other by the tag {TAG}"
        if "__inputs" in board:
            yield f"{name}: __inputs is of exported dashboards and cannot be provisioned"


def dashboard_variables():
    for name, board in dashboards().items():
        names = [variable["name"] for variable in board["templating"]["list"]]
        if names != ["datasource", "etcd_cluster", "job", "instance"]:
            yield f"{name}: variables are {names}"
    for where, variable in variables():
        wanted = {
            "type": "query", "refresh": 2, "multi": True, "includeAll": True,
            "allValue": ".*" if variable["name"] == "etcd_cluster" else ".+",
            "label": variable["name"].removeprefix("etcd_").capitalize()
        }
        if variable["name"] == "datasource":
            wanted = {"type": "datasource", "query": "prometheus", "label": "Data source"}
        else:
            if not re.fullmatch(rf"label_values\(.+, {variable['name']}\)", variable["query"]):
                yield f"{where}: the query is not label_values(SELECTOR, {variable['name']})"
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
        cells = {(name, x, y)
                 for x in range(pos["x"], pos["x"] + pos["w"])
                 for y in range(pos["y"], pos["y"] + pos["h"])}
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
        overrides = [p["value"] for o in panel["fieldConfig"]["overrides"]
                     for p in o["properties"] if p["id"] == "unit"]
        for unit in {*overrides, defaults.get("unit", "none")} - UNITS:
            yield f"{where}: {unit} is no unit that is known here"
        for mapping in defaults.get("mappings", []):
            for value, shown in mapping["options"].items():
                if mapping["type"] == "value" and not shown.get("text"):
                    yield f"{where}: {value} is shown by its colour alone"
        if not panel.get("targets"):
            yield f"{where}: no targets"
        references = [target["refId"] for target in panel.get("targets", [])]
        if len(set(references)) != len(references):
            yield f"{where}: two targets have one refId"
        if panel["type"] in ("timeseries", "state-timeline", "status-history") and not all(
                t.get("legendFormat") for t in panel["targets"]):
            yield f"{where}: a target without legendFormat"
        if panel["type"] == "table" and not all(
                t.get("instant") and t.get("format") == "table" for t in panel["targets"]):
            yield f"{where}: a target of a table must be instant and of format table"


def is_of_cluster(metric, matchers):
    """Whether the series carry etcd_cluster: those of the process do not."""
    known = catalogue()
    if metric not in known:  # of a histogram, or from Prometheus
        metric = re.sub(r"_(bucket|sum|count)$", "", metric)
    return ("etcd_cluster" in known.get(metric, (None, {}))[1]
            and matchers.get("certificate") != ("=", "web_server"))


def dashboard_selectors():
    for where, expr in dashboard_queries():
        for metric, matchers in selectors(expr):
            fewer = metric.startswith(tuple(FEWER_LABELS))
            wanted = {"job": "$job"} | ({} if fewer else {"instance": "$instance"})
            if fewer or is_of_cluster(metric, matchers):
                wanted["etcd_cluster"] = "$etcd_cluster"
            for label, variable in wanted.items():
                if matchers.get(label) != ("=~", variable):
                    yield f'{where}: {metric} lacks {label}=~"{variable}"'


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
    queries = [{"alert": where, "expr": substitute(expr)}
               for where, expr in [*dashboard_queries(), *variable_selectors()]]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": queries}]}, file)
        file.flush()
        yield from promtool("check", "rules", "--lint=none", file.name)


def lint_exceptions_are_true():
    """dashboards/.lint excuses exactly the panels that show what has no instance, and says why."""
    rules = yaml.safe_load((REPO / "dashboards/.lint").read_text())["exclusions"]
    if set(rules) != {"target-instance-rule"} or not rules["target-instance-rule"].get("reason"):
        yield f".lint may only excuse target-instance-rule, with a reason: {rules}"
    excused = {(entry["dashboard"], entry["panel"])
               for entry in rules["target-instance-rule"]["entries"]}
    real = {(board["title"], panel["title"])
            for board in dashboards().values()
            for panel in board["panels"]
            for target in panel.get("targets", [])
            for metric, _ in selectors(target["expr"]) if metric.startswith(tuple(FEWER_LABELS))}
    for title, panel in sorted(excused ^ real):
        needless = (title, panel) in excused
        yield f"{title}, {panel}: {'excused without need' if needless else 'not excused in .lint'}"


CHECKS = [
    dashboard_json_parses,
    dashboard_settings,
    dashboard_variables,
    panel_ids_unique,
    panel_positions,
    panel_datasources,
    panel_texts,
    dashboard_selectors,
    dashboard_rates,
    dashboard_promql_parses,
    lint_exceptions_are_true,
]
