# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The linters, one function each. Every one passes only if it prints nothing.
# Sourced by scripts/lint and scripts/check, after report.sh.

# files PATTERN...: our files by name, without what builds leave behind.
files()
{
	local -a names=()
	local pattern

	for pattern in "$@"; do
		names+=(-o -name "$pattern")
	done
	(cd "$TOP" && find . \( -name .git -o -path ./build \) -prune -o \
		-type f \( "${names[@]:1}" \) -printf '%P\n' | sort)
}

kernel_files()
{
	files "$@" | grep -E '^(include|core|backends|pci|kunit)/'
}

# Fails if the command fails or prints anything.
silent()
{
	local text rc=0

	text=$("$@" 2>&1) || rc=$?
	[[ -z $text ]] || printf '%s\n' "$text"
	[[ $rc == 0 && -z $text ]]
}

lint_spdx()
{
	local file bad=0

	while read -r file; do
		head -n 2 "$TOP/$file" | grep -q SPDX-License-Identifier ||
			{ echo "$file: no SPDX line" && bad=1; }
	done < <(files '*.[ch]' '*.sh' '*.py' '*.config' Makefile Kconfig \
		.kunitconfig suites init; cd "$TOP" && find scripts \
		tests/machines .ci -type f)
	((bad == 0))
}

lint_checkpatch()
{
	local programs=(
		# u64 and so on are the kernel's; programs have stdint.h.
		PREFER_KERNEL_TYPES
		# clang-format, which decides here, breaks lines so.
		OPEN_ENDED_LINE
	)

	files '*.[ch]' Kconfig | grep -vE '^(tests|tools)/' | checkpatch || return
	files '*.[ch]' | grep -E '^(tests|tools)/' |
		checkpatch "${programs[@]}"
}

# Judges the files on standard input; the arguments are types to leave out, beside
# those of .checkpatch.conf. Checkpatch is the slowest linter, hence several at once.
checkpatch()
{
	cd "$TOP" || return
	xargs -n 16 -P "$JOBS" "$LINUX/scripts/checkpatch.pl" --terse --no-summary \
		--quiet --show-types --ignore "$(IFS=, && echo "$*")" -f
}

lint_compile()
{
	# A warning shows only when its file is compiled.
	rm -rf "$CACHE"/build/*-lint/drivers/sluice
	"$TOP/scripts/kernel" -q lint --no-print-directory -s W=1 C=2 -j"$JOBS" drivers/sluice/
}

# The files that only that architecture compiles.
lint_compile_power()
{
	rm -rf "$CACHE"/build/*-lint-ppc64le/drivers/sluice
	"$TOP/scripts/kernel" -q lint-ppc64le --no-print-directory -s W=1 C=2 \
		-j"$JOBS" drivers/sluice/backends/power/
}

lint_kerneldoc()
{
	local list

	cd "$TOP" || return
	list=$({ kernel_files '*.[ch]'; files sluice.h; } | sort -u)
	# shellcheck disable=SC2086	# our names have no blanks
	"$LINUX/scripts/kernel-doc" -none -Wall -Werror $list
}

lint_shellcheck()
{
	local list

	cd "$TOP" || return
	list=$(grep -rlE '^#!/bin/(bash|busybox)|^# shellcheck shell=' \
		scripts tests .ci)
	# shellcheck disable=SC2086	# our names have no blanks
	shellcheck -x -P "$TOP" $list
}

lint_clang_format()
{
	cd "$TOP" || return
	files '*.[ch]' | grep -E '^(tools|tests)/' |
		xargs clang-format --dry-run --Werror
}

# lint_all LOGDIR: every linter as one check.
lint_all()
{
	local name

	for name in spdx checkpatch kerneldoc shellcheck clang_format; do
		checked "lint: $name" "$1/$name.log" silent "lint_$name" || true
	done
	checked "lint: W=1 and sparse: set-up" "$1/prepare.log" \
		"$TOP/scripts/kernel" lint || true
	checked "lint: W=1 and sparse" "$1/compile.log" silent lint_compile ||
		true
	checked "lint: the same on POWER: set-up" "$1/prepare-power.log" \
		"$TOP/scripts/kernel" lint-ppc64le || true
	checked "lint: the same on POWER" "$1/compile-power.log" silent \
		lint_compile_power || true
}
