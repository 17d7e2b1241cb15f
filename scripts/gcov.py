#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Sums up what gcov counted in several boots: lines of core/ and pci/ that ran in any.

usage: gcov.py DIRECTORY...    each holds the .gcda files of one boot, by the path of the
                               build tree that they belong to, which has the .gcno files

Prints for each file how many lines can run, how many did, and which didn't; then the
sum.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

OURS = ("core", "pci")


def our_name(path):
    """The path in our tree, or None if it isn't of a folder of OURS."""
    parts = pathlib.PurePath(path).parts
    if "sluice" not in parts:
        return None
    at = len(parts) - parts[::-1].index("sluice")
    name = "/".join(parts[at:])
    return name if parts[at] in OURS else None


def gcov_of(build):
    """The tool that belongs to the compiler of a build tree."""
    config = (build / ".config").read_text()
    for line in config.splitlines():
        if line.startswith("CONFIG_CC_VERSION_TEXT="):
            compiler = line.split('"')[1].split()[0]
            return compiler.replace("gcc", "gcov")
    raise SystemExit(f"gcov.py: {build} has no compiler")


def build_of(path):
    """The build tree of an object file."""
    for parent in path.parents:
        if (parent / ".config").exists():
            return parent
    raise SystemExit(f"gcov.py: {path} isn't in a build tree")


def read(boot, lines):
    """Adds what one boot counted to lines: {file: {line: count}}."""
    for gcda in sorted(boot.rglob("*.gcda")):
        built = pathlib.Path("/") / gcda.relative_to(boot)
        with tempfile.TemporaryDirectory() as work:
            shutil.copy(gcda, work)
            shutil.copy(built.with_suffix(".gcno"), work)
            out = subprocess.run(
                [gcov_of(build_of(built)), "--json-format", "--stdout",
                 gcda.name],
                cwd=work, check=True, capture_output=True).stdout
        for report in out.splitlines():
            for file in json.loads(report)["files"]:
                name = our_name(file["file"])
                if not name:
                    continue
                counts = lines.setdefault(name, {})
                for line in file["lines"]:
                    nr = line["line_number"]
                    counts[nr] = counts.get(nr, 0) + line["count"]


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3 7"."""
    out = []
    for nr in numbers:
        if out and out[-1][1] == nr - 1:
            out[-1][1] = nr
        else:
            out.append([nr, nr])
    return " ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in out)


def main():
    """See the top."""
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    lines = {}
    for boot in sys.argv[1:]:
        read(pathlib.Path(boot), lines)
    all_lines = all_ran = 0
    for name, counts in sorted(lines.items()):
        missed = sorted(nr for nr, count in counts.items() if not count)
        ran = len(counts) - len(missed)
        all_lines += len(counts)
        all_ran += ran
        print(f"{name:24} {ran:5} of {len(counts):5}  "
              f"{ran * 100 / len(counts):5.1f}%  {ranges(missed)}")
    if not all_lines:
        raise SystemExit("gcov.py: nothing was counted")
    print(f"{'core/ and pci/':24} {all_ran:5} of {all_lines:5}  "
          f"{all_ran * 100 / all_lines:5.1f}%")


if __name__ == "__main__":
    main()
