#!/usr/bin/env python3
"""Adds up test reports (JUnit XML): what failed, what was skipped, and one closing line.

usage: tally.py REPORT.xml...     exit code 1 when a test failed or a report is missing
"""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def outcome(case):
    """passed, failed or skipped: ctest, pytest and GoogleTest each say it in their own way."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.get("status") == "fail":
        return "failed"
    if case.find("skipped") is not None or case.get("result") in ("skipped", "suppressed"):
        return "skipped"
    return "passed"


def name(case):
    group, own = case.get("classname"), case.get("name")
    return own if group in (None, "", own) else f"{group}.{own}"


def main(paths):
    found = {"passed": [], "failed": [], "skipped": []}
    for path in map(Path, paths):
        try:
            cases = list(xml.parse(path).iter("testcase"))
        except (OSError, xml.ParseError) as problem:
            print(f"{path}: no report, so its tests did not end: {problem}")
            found["failed"].append(path.name)
            continue
        for case in cases:
            found[outcome(case)].append(name(case))
        if not cases:
            print(f"{path}: the report names no test")
            found["failed"].append(path.name)
    for what in ("skipped", "failed"):
        for test in found[what]:
            print(f"{what}: {test}")
    print(f"{len(found['passed'])} passed, {len(found['failed'])} failed")
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
