#!/usr/bin/env python3
"""Proves that check_monitoring.py can fail: breaks one thing in a copy of what it reads, and the
check in charge must notice.

The rules themselves are broken by mutate_rules.py.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parents[2]
OVERVIEW, DRILLS = "dashboards/etcdrill-overview.json", "dashboards/etcdrill-drills.json"
STALE = "alerts/runbooks/EtcdBackupSnapshotStale.md"
# check: (file, regular expression whose first match is replaced, what by)
BREAKS = {
    "dashboard_json_parses": (OVERVIEW, r"\Z", ","),
    "dashboard_settings": (OVERVIEW, '"editable": false', '"editable": true'),
    "dashboard_variables": (OVERVIEW, '"refresh": 2', '"refresh": 1'),
    "panel_ids_unique": (DRILLS, '"id": 3,', '"id": 2,'),
    "panel_positions": (OVERVIEW, r'"w": 4, "x": 4', '"w": 5, "x": 4'),
    "panel_datasources": (DRILLS, r'\$\{datasource\}', "prometheus"),
    "panel_texts": (DRILLS, '"unit": "bytes"', '"unit": "octets"'),
    "dashboard_selectors": (OVERVIEW, r', instance=~\\"\$instance\\"', ""),
    "dashboard_rates": (DRILLS, r"(\brate\([^[]*)\[\$__rate_interval\]", r"\1[5m]"),
    "dashboard_promql_parses": (DRILLS, r"sum by \(le\)", "sum by le"),
    "lint_exceptions_are_true": ("dashboards/.lint", "Longest drill", "Shortest drill"),
    "catalogue_is_well_formed": ("docs/reference/metrics.md",
                                 r"(snapshot_attempts_total \|) counter", r"\1 gauge"),
    "metrics_are_catalogued": ("docs/reference/metrics.md", "etcdrill_source_members",
                               "etcdrill_source_member_count"),
    "rules_pass_promtool": ("alerts/drills.yml", "alert: EtcdBackupSnapshotDamaged",
                            "alarm: EtcdBackupSnapshotDamaged"),
    "rule_tests_pass": ("alerts/content.yml", "0.5 [*]", "0.4 *"),
    "alert_style": ("alerts/content.yml", "summary: Snapshot revision",
                    "summary: '{{ $value }}: snapshot revision"),
    "promql_style": ("alerts/drills.yml", 'state="damaged"', 'state=~"damaged"'),
    "kubernetes_has_the_same_rules": ("alerts/content.yml", "for: 10m", "for: 11m"),
    "alertmanager_example": ("alerts/alertmanager/alertmanager.yml", "EtcdRestoreRtoAtRisk",
                             "EtcdRestoreRtoNearlyAtRisk"),
    "alerts_are_tested": ("alerts/tests/content.yml", "severity: critical(?=.*alarm: nospace)",
                          "severity: warning"),
    "alerts_have_runbooks": (STALE, "## Impact", "## Effect"),
    "runbook_commands_find_something": (STALE, "task_next_run", "task_next_runs"),
    "alerts_are_documented": ("docs/reference/alerts.md", r"\| EtcdBackupClockSkew \| critical",
                              "| EtcdBackupClockSkew | warning"),
}


def check(repo, *names):
    command = [sys.executable, REPO / "tests/monitoring/check_monitoring.py", repo, *names]
    return subprocess.run(command, capture_output=True, text=True).stdout


def notices(name, path, pattern, replacement):
    with tempfile.TemporaryDirectory() as work:
        for part in ("alerts", "dashboards", "docs", "deploy", "scripts"):
            shutil.copytree(REPO / part, pathlib.Path(work) / part)
        file = pathlib.Path(work) / path
        text, count = re.subn(pattern, replacement, file.read_text(), count=1)
        if count != 1:
            return f"{path} has nothing like {pattern} to break"
        file.write_text(text)
        said = check(work, name)
        noticed = said.startswith(f"FAIL {name}: ")
        return None if noticed else f"broken {path} is not noticed: {said.strip()}"


def main():
    every = re.findall(r"^ok (\w+)$", check(REPO), re.M)
    problems = [f"{name} is never broken here" for name in every if name not in BREAKS]
    for name, broken in BREAKS.items():
        problem = notices(name, *broken)
        print(f"FAIL {name}: {problem}" if problem else f"ok {name} can fail", flush=True)
        problems += [problem] if problem else []
    return 1 if problems or not every else 0


if __name__ == "__main__":
    sys.exit(main())
