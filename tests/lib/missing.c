// SPDX-License-Identifier: GPL-2.0-only
#include "missing.h"
#include "sys.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int missing_take(void *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)page, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (!ioctl(fd, UFFDIO_API, &api) &&
	    !madvise(page, PAGE, MADV_DONTNEED) &&
	    !ioctl(fd, UFFDIO_REGISTER, &reg))
		return fd;
	close(fd);
	return -1;
}

bool missing_wanted(int uffd)
{
	struct uffd_msg msg;

	return read(uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT;
}

void missing_give(int uffd, void *page)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)page, PAGE },
	};

	ioctl(uffd, UFFDIO_ZEROPAGE, &zero);
}
