#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Counts the results in a KTAP stream and checks that it is complete.

Leaves are counted: a test with subtests stands for them. Missing plans,
missing or surplus results, a parent that fails though its subtests pass and
a "Bail out!" each count as one failure more. A test that failed is named
with the last diagnostic before its result.

usage: ktap.py FILE    the last line printed is "PASSED FAILED SKIPPED"
"""

import re
import sys

PREFIX = re.compile(r"^(?:\[ *\d+\.\d+\] ?(?:\[ *[TC]\d+\] ?)?)?")
VERSION = re.compile(r"^(?:KTAP version \d+|TAP version \d+)$")
PLAN = re.compile(r"^1\.\.(\d+)(?: # SKIP.*)?$")
DIAGNOSTIC = re.compile(r"^# *(.*\S)")
# What kselftest's harness and KUnit say of every test.
EMPTY = re.compile(
    r"^(?:(?:RUN|OK|FAIL) |PASSED|FAILED|Subtest: |module: |\S+: Test failed)")
RESULT = re.compile(r"^(ok|not ok) (\d+) ?(?:- )?([^#]*?)(?:\s*# ?(.*))?$")


class Level:
    """One nesting level: what its plan promised, what came."""

    def __init__(self):
        self.plan = None
        self.seen = 0
        self.bad = 0


class Counter:
    """Reads lines, keeps a stack of levels."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.levels = []
        self.tops = 0
        # The last diagnostic before the next result.
        self.why = ""
        # How many leaves failed below a finished level, or None if the
        # next result has no subtests.
        self.below = None

    def fail(self, why):
        """Counts one failure and says why."""
        self.failed += 1
        print("failed: " + why)

    def close(self, where):
        """Ends the innermost level."""
        level = self.levels.pop()
        if level.plan is not None:
            for number in range(level.seen + 1, level.plan + 1):
                self.fail(f"result {number} is missing {where}")
                level.bad += 1
            if level.seen > level.plan:
                self.fail(f"more results than planned {where}")
                level.bad += 1
        elif not self.levels:
            self.fail(f"no plan {where}")
            level.bad += 1
        elif not level.seen:
            self.fail(f"neither plan nor results {where}")
            level.bad += 1
        if self.levels:
            self.levels[-1].bad += level.bad
        return level.bad

    def result(self, match):
        """One "ok" or "not ok" line, at the innermost level."""
        good = match.group(1) == "ok"
        name = match.group(3) or f"number {match.group(2)}"
        skip = (match.group(4) or "").upper().startswith("SKIP")
        level = self.levels[-1]
        level.seen += 1
        if int(match.group(2)) != level.seen:
            self.fail(f"{name}: number {match.group(2)}, not {level.seen}")
            level.bad += 1
        below, self.below = self.below, None
        if below is not None:
            if not good and not below:
                self.fail(f"{name}: as a whole")
                level.bad += 1
        elif not good:
            self.fail(f"{name}: {self.why}" if self.why else name)
            level.bad += 1
        elif skip:
            self.skipped += 1
            print(f"skipped: {name}: {match.group(4)}")
        else:
            self.passed += 1
        self.why = ""

    def diagnostic(self, text):
        """It may tell why the next result is what it is."""
        if not EMPTY.match(text):
            self.why = text

    def line(self, text):
        """One line of the stream."""
        text = PREFIX.sub("", text.rstrip("\r\n"), count=1)
        depth = (len(text) - len(text.lstrip(" "))) // 4
        text = text.strip()
        if VERSION.match(text):
            while len(self.levels) > depth:
                self.close(f"before a new stream ({text})")
            if not self.levels:
                self.tops += 1
            self.levels.append(Level())
        elif text.startswith("Bail out!"):
            self.fail(text)
        elif not self.levels:
            return
        elif DIAGNOSTIC.match(text):
            self.diagnostic(DIAGNOSTIC.match(text).group(1))
        elif PLAN.match(text) and depth == len(self.levels) - 1:
            self.levels[-1].plan = int(PLAN.match(text).group(1))
        elif RESULT.match(text) and depth < len(self.levels):
            match = RESULT.match(text)
            while len(self.levels) - 1 > depth:
                self.below = self.close(f"in {match.group(3)}")
            self.result(match)

    def end(self):
        """The end of the stream."""
        while self.levels:
            self.close("at the end")
        if not self.tops:
            self.fail("no KTAP at all")
        print(self.passed, self.failed, self.skipped)


def main():
    """Reads the file named on the command line."""
    counter = Counter()
    with open(sys.argv[1], encoding="utf-8", errors="replace") as stream:
        for line in stream:
            counter.line(line)
    counter.end()


if __name__ == "__main__":
    main()
