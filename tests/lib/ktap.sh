# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# What suites that are shell scripts share; sourced in the guest.

number=0

# result NAME STATUS: one line of KTAP.
result()
{
	number=$((number + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $number $1"
	else
		echo "not ok $number $1"
	fi
}

# expect NAME COMMAND...: the same, by whether the command succeeds. For conditions, too:
# "expect NAME test ...".
expect()
{
	expected=$1
	shift
	if "$@"; then
		result "$expected" 0
	else
		result "$expected" 1
	fi
}
