#!/usr/bin/env python3
"""Checks that docs/reference/metrics.md, alerts/, dashboards/ and docs/reference/alerts.md are
sound and speak of the same things.

Each check is a function that yields one line per problem; it prints `ok NAME` or `FAIL NAME: why`,
and the exit status is 1 if any failed. Nothing here needs Prometheus or Grafana to run, only
promtool and amtool on PATH and python3-yaml.

Usage: check_monitoring.py [REPOSITORY [CHECK...]]
"""
import sys

sys.dont_write_bytecode = True
import check_dashboards
import check_names
import check_rules

CHECKS = {
    check.__name__: check
    for module in (check_dashboards, check_names, check_rules)
    for check in module.CHECKS
}


def main():
    failed = False
    for name in sys.argv[2:] or CHECKS:
        try:
            problems = list(CHECKS[name]())
        except Exception as error:
            # A file that cannot be read fails the check that wanted it, and not the others.
            problems = [f"{type(error).__name__}: {error}"]
        print(f"FAIL {name}: {'; '.join(problems)}" if problems else f"ok {name}", flush=True)
        failed |= bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
