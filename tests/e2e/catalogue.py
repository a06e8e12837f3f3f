"""docs/reference/metrics.md as data, and what is wrong with a page of metrics that should be the
catalogue's."""
import collections
import re

import harness

# Labels: {name: closed set of values, or None if any goes}.
Metric = collections.namedtuple("Metric", "type labels since help")


def catalogue():
    """name -> Metric."""
    page = (harness.ROOT / "docs" / "reference" / "metrics.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in page.splitlines() if re.match(r"\| (etcdrill|process)_", line)]
    metrics = {}
    for name, kind, labels, since, text in rows:
        pairs = [label.strip().partition("=") for label in labels.split(";") if label != "-"]
        closed = {key: set(values.split(",")) if values else None for key, _, values in pairs}
        metrics[name] = Metric(kind, closed, since, text)
    return metrics


def label_problems(name, metric, family, whole, cluster=None):
    """whole: each value of a closed set must be there, and not only no other. cluster: its name;
    without one no series carries it."""
    for _, labels, _ in family.samples:
        of_cluster = cluster and labels.get("certificate") != "web_server"
        wanted = set(metric.labels) - (set() if of_cluster else {"etcd_cluster"})
        if set(labels) - ({"le"} if metric.type == "histogram" else set()) != wanted:
            yield f"{name}: the labels are {set(labels)}, not {wanted}"
            return
        if labels.get("etcd_cluster", cluster) != cluster:
            yield f"{name}: the cluster is {labels['etcd_cluster']}, not {cluster}"
    for label, values in metric.labels.items():
        found = {labels.get(label) for _, labels, _ in family.samples}
        if values is not None and (found != values if whole else not found <= values):
            yield f"{name}: {label} is {sorted(found)}, in the catalogue {sorted(values)}"


def differences(families, since, cluster, whole=False):
    """Between a page and the part of the catalogue that is available by now. whole: gauges have all
    their labels, too."""
    known = catalogue()
    expected = {name for name, metric in known.items() if metric.since in since}
    for name in sorted(expected - families.keys()):
        yield f"{name} is absent, though it is available from {known[name].since!r} on"
    for name in sorted(families.keys() - expected):
        yield (f"{name} is on the page too early" if name in known
               else f"{name} is not in docs/reference/metrics.md")
    for name in sorted(expected & families.keys()):
        metric, family = known[name], families[name]
        if (family.type, family.help) != (metric.type, metric.help):
            yield (f"{name}: {family.type}, {family.help!r}, "
                   f"in the catalogue {metric.type}, {metric.help!r}")
        yield from label_problems(name, metric, family, whole or metric.since == "start", cluster)
