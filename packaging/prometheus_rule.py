#!/usr/bin/env python3
"""prometheus_rule.py: the rules of config/prometheus/rules as an object of the Prometheus operator, on stdout."""

import pathlib
import re

HEAD = """\
# Made by packaging/prometheus_rule.py from config/prometheus/rules: edit there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: registry-exporter
  labels: {app.kubernetes.io/name: registry_exporter}
spec:
  groups:
"""
RULES = pathlib.Path(__file__).resolve().parents[1] / "config/prometheus/rules"


def main():
    print(HEAD, end="")
    for path in sorted(RULES.glob("*.yml")):
        groups = path.read_text().partition("\ngroups:\n")[2]
        print(re.sub(r"^(?=.)", "  ", groups, flags=re.M), end="")


if __name__ == "__main__":
    main()
