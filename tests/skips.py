"""A pytest plugin: says once, in one line for each reason, what was skipped and how much of it."""

from collections import Counter


def pytest_terminal_summary(terminalreporter) -> None:
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"跳过 (skipped) {count}：{reason}", yellow=True)
