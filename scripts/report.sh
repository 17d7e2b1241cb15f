# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The tally of a run: which part passed and failed how many checks and how
# long it took. Sourced by scripts/check and scripts/lint.

declare -i total_passed=0 total_failed=0 total_skipped=0
report_rows=()
report_causes=()
report_start=0

# part_begin: the clock of the next row starts.
part_begin()
{
	report_start=$(date +%s)
}

# part_took SECONDS: it began earlier than at part_begin.
part_took()
{
	report_start=$((report_start - $1))
}

# part_end NAME PASSED FAILED SKIPPED
part_end()
{
	local row took=$(($(date +%s) - report_start))

	total_passed+=$2
	total_failed+=$3
	total_skipped+=$4
	printf -v row '%-46s %7d %7d %8d %6d s' "$1" "$2" "$3" "$4" "$took"
	report_rows+=("$row")
	say "$1: $2 passed, $3 failed, $4 skipped ($took s)"
}

# cause TEXT...: what is shown again at the end, below the table.
cause()
{
	report_causes+=("$*")
}

# checked NAME LOG COMMAND...: a step that counts as one check.
checked()
{
	local name=$1 rc=0

	shift
	part_begin
	step "$name" "$@" || rc=$?
	if ((rc)); then
		cause "$name: see $1"
		part_end "$name" 0 1 0
	else
		part_end "$name" 1 0 0
	fi
	return "$rc"
}

report_print()
{
	printf '\nLinux %s (%s)\n' "$(kernel_version)" "$(kernel_package)"
	printf '\n%-46s %7s %7s %8s %8s\n' part passed failed skipped time
	printf '%s\n' "${report_rows[@]}"
	if ((${#report_causes[@]})); then
		printf '\nWhat failed:\n'
		printf '  %s\n' "${report_causes[@]}"
	fi
	echo
	if ((total_failed)); then
		echo "FAILED"
	elif ((total_passed == 0)); then
		echo "FAILED: nothing ran"
		total_failed=1
	else
		echo "all passed"
	fi
	((total_skipped == 0)) || echo "$total_skipped skipped"
	echo "$total_passed passed, $total_failed failed"
	((total_failed == 0))
}
