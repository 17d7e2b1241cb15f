# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What every script here shares: where things live, how progress is shown and
# how long steps wait for each other. It starts nothing by itself.

# shellcheck disable=SC2034	# constants for the scripts that source this
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${SLUICE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice}
LOGS=$CACHE/logs
LINUX_NAME=linux-source-6.12
LINUX=$CACHE/linux/$LINUX_NAME
QEMU_ROOT=$CACHE/debroot/qemu
MIRROR=${SLUICE_MIRROR:-http://deb.debian.org/debian}
SECURITY_MIRROR=${SLUICE_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
JOBS=${JOBS:-$(nproc)}
SLUICE_T0=${SLUICE_T0:-$(date +%s)}
export CACHE JOBS SLUICE_T0 LC_ALL=C

mkdir -p "$CACHE" "$LOGS"

# One line of progress, with the time since the outermost script began.
say()
{
	local t=$(($(date +%s) - SLUICE_T0))

	printf '[%3d:%02d] %s\n' $((t / 60)) $((t % 60)) "$*" >&2
}

die()
{
	printf 'sluice: %s\n' "$*" >&2
	exit 1
}

# step WHAT LOG COMMAND...: runs a command with its output in LOG. A failure
# shows the log's end and where the rest is.
step()
{
	local what=$1 log=$2 start rc=0

	shift 2
	start=$(date +%s)
	say "$what ..."
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 || rc=$?
	if ((rc)); then
		say "$what: FAILED (exit status $rc); the end of $log:"
		grep -nE '(error|fatal): |undefined reference|No rule|^E: ' "$log" |
			head -n 5 | sed 's/^/    > /' >&2 || true
		tail -n 20 "$log" | sed 's/^/    | /' >&2
		return "$rc"
	fi
	say "$what: done in $(($(date +%s) - start)) s"
}

# locked NAME COMMAND...: runs a command while no other run of ours, from this
# clone or another, does the same; says so when it has to wait. Recursive
# use of one name in one process tree passes through.
locked()
{
	local name=$1 held fd

	shift
	held=SLUICE_LOCK_${name//[^a-zA-Z0-9]/_}
	if [[ -n ${!held:-} ]]; then
		"$@"
		return
	fi
	mkdir -p "$CACHE/locks"
	exec {fd}>"$CACHE/locks/$name"
	if ! flock -n "$fd"; then
		say "waiting for another run that holds $CACHE/locks/$name ..."
		flock "$fd"
	fi
	export "$held=1"
	local rc=0
	"$@" {fd}>&- || rc=$?
	unset "$held"
	exec {fd}>&-
	return "$rc"
}

# The version of the unpacked kernel source.
kernel_version()
{
	sed -n -e 's/^VERSION = //p' -e 's/^PATCHLEVEL = //p' \
		-e 's/^SUBLEVEL = //p' "$LINUX/Makefile" | paste -sd.
}

# The Debian package that the unpacked kernel source came from, such as
# linux-source-6.12_6.12.117-1_all.deb; of older caches it isn't known.
kernel_package()
{
	cat "$LINUX/.debian-package" 2>/dev/null || echo unknown
}

# kernel_for MACHINE KERNEL: the variant of scripts/kernel that release, debug, peer
# or coverage stands for on a machine. Any other name stands for itself.
kernel_for()
{
	local machine_programs=x86_64

	# shellcheck disable=SC1090	# one of tests/machines
	. "$TOP/tests/machines/$1"
	case $machine_programs-$2 in
	ppc64le-release) echo ppc64le ;;
	ppc64le-debug | ppc64le-peer | ppc64le-coverage) echo "ppc64le-$2" ;;
	*) echo "$2" ;;
	esac
}
