#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Suite: the kernel's own nvme driver with a file system under load, through
# whichever kind of domain the machine gives to host drivers. Everything written
# is read back from the disk and compared. Runs in the guest.

DIR=/tmp/hostio
MNT=$DIR/mnt
# Written again and again from different places; more than a single transfer.
POOL=$DIR/pool
POOL_KIB=4096
WRITERS=4
FILES=12
ROUNDS=2

# shellcheck source=tests/lib/ktap.sh
. /usr/local/bin/ktap.sh

# write_file FILE KIB OFFSET FLAG: part of the pool, past the page cache if FLAG
# is "direct". Prints its sum and name.
write_file()
{
	part=$DIR/part-${1##*/}
	dd if=$POOL of="$part" bs=1k skip="$3" count="$2" 2>/dev/null &&
	sum=$(sha256sum <"$part") &&
	if [ "$4" = direct ]; then
		dd if="$part" of="$1" bs=64k oflag=direct 2>/dev/null
	else
		dd if="$part" of="$1" bs=7k 2>/dev/null
	fi &&
	rm "$part" &&
	echo "${sum%% *}  $1"
}

# writer N ROUND: overwrites what the round before has left, in other sizes.
writer()
{
	i=0
	while [ $i -lt $FILES ]; do
		seed=$(($1 * 131 + i * 37 + $2 * 17))
		flag=cached
		kib=$((seed * 29 % 700 + 1))
		if [ $((seed % 3)) -eq 0 ]; then
			flag=direct
			kib=$((kib / 4 * 4 + 4))
		fi
		write_file "$MNT/w$1-$i" "$kib" "$((seed * 53 % 3000))" $flag ||
			return 1
		i=$((i + 1))
	done
}

# write_all ROUND: all writers at once; the sums go to one list for each.
write_all()
{
	failed=0 pids=''
	rm -f $DIR/sums-*
	n=0
	while [ $n -lt $WRITERS ]; do
		writer $n "$1" >$DIR/sums-$n &
		pids="$pids $!"
		n=$((n + 1))
	done
	for pid in $pids; do
		wait "$pid" || failed=1
	done
	return $failed
}

# The disk's own bytes, not the page cache's; all lists at once.
compare_all()
{
	failed=0 pids='' lines=0
	sync
	echo 3 >/proc/sys/vm/drop_caches
	for list in "$DIR"/sums-*; do
		lines=$((lines + $(wc -l <"$list")))
		sha256sum -c -s "$list" &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid" || failed=1
	done
	[ $lines -eq $((WRITERS * FILES)) ] || failed=1
	return $failed
}

# Has the kernel complained about disk, file system or DMA since we began?
complaints()
{
	dmesg | sed -n '/hostio: begin/,$p' |
		grep -E 'EXT4-fs.*(error|warning)|I/O error|nvme.*(timeout|reset)|fault addr' |
		sed 's/^/# /'
}

echo "TAP version 13"
echo "1..$((5 + 2 * ROUNDS))"
echo "hostio: begin" >/dev/kmsg
type=$(cat "/sys/bus/pci/devices/$NVME2/iommu_group/type")
echo "# the disk's domain: $type"
expect domain-is-what-was-asked-for test "$type" = "$HOST_DOMAIN"

mkdir -p $MNT
dd if=/dev/urandom of=$POOL bs=1k count=$POOL_KIB 2>/dev/null
disk=$(echo "/sys/bus/pci/devices/$NVME2/nvme/"*/nvme*n1)
mount -t ext4 "/dev/${disk##*/}" $MNT
result mount $?

round=1
while [ $round -le $ROUNDS ]; do
	write_all $round
	result write-$round $?
	compare_all
	result compare-$round $?
	round=$((round + 1))
done

umount $MNT && mount -t ext4 -o ro "/dev/${disk##*/}" $MNT
result mount-again $?
compare_all
result compare-after-mount $?
umount $MNT
rm -r $DIR
[ -z "$(complaints | tee "$SLUICE_OUT")" ]
result no-complaints $?
