// SPDX-License-Identifier: GPL-2.0-only
/*
 * nvme-read: read a whole NVMe disk from user space.
 *
 * An example of a device driver over libsluice. This file owns the command
 * line and the loop that keeps several reads in flight; the driver proper is
 * in nvme-read/.
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvme-read/ctrl.h"

/**
 * struct options - the command line
 * @addr: PCI address
 * @output: file, or NULL for standard output
 * @bind: bind to vfio-pci and back
 * @quiet: no summary
 * @nsid: namespace
 * @depth: reads in flight
 * @transfer: bytes of each
 * @timeout_ms: longest wait for a completion
 */
struct options {
	const char *addr;
	const char *output;
	bool bind;
	bool quiet;
	uint32_t nsid;
	unsigned int depth;
	size_t transfer;
	int timeout_ms;
};

/**
 * struct slot - a read in flight
 * @busy: its command has not completed
 * @len: bytes that were asked for
 * @data: @iova's memory
 * @iova: buffer
 * @list_iova: @list's memory, for the controller
 * @list: PRP list of the buffer's pages behind the first
 */
struct slot {
	bool busy;
	size_t len;
	const char *data;
	uint64_t iova;
	uint64_t list_iova;
	__le64 *list;
};

/**
 * struct reader - the reading of one namespace
 * @ctrl: controller
 * @ns: namespace
 * @fd: where the data goes
 * @depth: slots, at most one less than the queue's entries
 * @transfer: bytes of a read
 * @buffers: @depth buffers
 * @lists: @depth pages for PRP lists
 * @slots: @depth slots; chunk n of the disk uses slot n % @depth
 * @commands: reads submitted
 */
struct reader {
	struct nvme_ctrl *ctrl;
	struct nvme_namespace ns;
	int fd;
	unsigned int depth;
	size_t transfer;
	struct dma_mem buffers;
	struct dma_mem lists;
	struct slot *slots;
	uint64_t commands;
};

static int interrupted;

static void on_signal(int sig)
{
	__atomic_store_n(&interrupted, sig, __ATOMIC_RELAXED);
}

static bool stop_asked(void)
{
	return __atomic_load_n(&interrupted, __ATOMIC_RELAXED);
}

static uint64_t disk_size(const struct reader *r)
{
	return r->ns.blocks << r->ns.block_lg2;
}

/*
 * 4.3: a command points to its first page, and then to its second or to a
 * list of all the others. The buffers never move, so the lists are made once.
 */
static void make_prp_list(const struct reader *r, struct slot *slot)
{
	size_t page = r->ctrl->page_size;
	size_t i, pages = r->transfer / page;

	for (i = 1; i < pages; i++)
		slot->list[i - 1] = cpu_to_le64(slot->iova + i * page);
}

static uint64_t make_prp2(const struct reader *r, const struct slot *slot)
{
	size_t page = r->ctrl->page_size;

	if (slot->len <= page)
		return 0;
	if (slot->len <= 2 * page)
		return slot->iova + page;
	return slot->list_iova;
}

static int reader_init(struct reader *r, const struct options *opt)
{
	struct nvme_ctrl *ctrl = r->ctrl;
	size_t page = ctrl->page_size;
	/* One PRP list page has room for this much behind the first page. */
	size_t most = (page / sizeof(__le64) + 1) * page;
	unsigned int i;
	int ret;

	r->depth = opt->depth;
	if (r->depth > ctrl->io.entries - 1U)
		r->depth = ctrl->io.entries - 1U;
	r->transfer = opt->transfer;
	if (r->transfer > most)
		r->transfer = most;
	if (r->transfer > ctrl->max_transfer)
		r->transfer = ctrl->max_transfer;
	r->transfer -= r->transfer % page;
	if (!r->transfer || r->transfer >> r->ns.block_lg2 == 0 ||
	    r->transfer >> r->ns.block_lg2 > field_get(NVME_READ_NLB, ~0ULL) ||
	    r->transfer % (1ULL << r->ns.block_lg2)) {
		warnx("a transfer of %zu bytes doesn't suit pages of %zu and blocks of %llu",
		      opt->transfer, page, 1ULL << r->ns.block_lg2);
		return -EINVAL;
	}

	r->slots = calloc(r->depth, sizeof(*r->slots));
	if (!r->slots) {
		warn("slots");
		return -ENOMEM;
	}
	ret = nvme_dma_alloc(ctrl, &r->buffers, r->depth * r->transfer,
			     SLUICE_DMA_RW);
	if (!ret)
		ret = nvme_dma_alloc(ctrl, &r->lists, r->depth * page,
				     SLUICE_DMA_READ);
	if (ret)
		return ret;
	for (i = 0; i < r->depth; i++) {
		struct slot *slot = &r->slots[i];

		slot->data = (char *)r->buffers.ptr + i * r->transfer;
		slot->iova = r->buffers.iova + i * r->transfer;
		slot->list = (void *)((char *)r->lists.ptr + i * page);
		slot->list_iova = r->lists.iova + i * page;
		make_prp_list(r, slot);
	}
	return 0;
}

static void reader_deinit(struct reader *r)
{
	nvme_dma_free(r->ctrl, &r->lists);
	nvme_dma_free(r->ctrl, &r->buffers);
	free(r->slots);
	r->slots = NULL;
}

static void submit_read(struct reader *r, uint64_t offset)
{
	unsigned int i = offset / r->transfer % r->depth;
	struct slot *slot = &r->slots[i];
	uint64_t slba = offset >> r->ns.block_lg2;
	uint64_t left = disk_size(r) - offset;
	struct nvme_command cmd = {
		.cdw0 = cpu_to_le32(field_prep(NVME_CDW0_OPC, NVME_CMD_READ) |
				    field_prep(NVME_CDW0_CID, i)),
		.nsid = cpu_to_le32(r->ns.id),
		.prp1 = cpu_to_le64(slot->iova),
		.cdw10 = cpu_to_le32(slba),
		.cdw11 = cpu_to_le32(slba >> 32),
	};

	slot->len = left < r->transfer ? left : r->transfer;
	slot->busy = true;
	cmd.prp2 = cpu_to_le64(make_prp2(r, slot));
	cmd.cdw12 = cpu_to_le32(
		field_prep(NVME_READ_NLB, (slot->len >> r->ns.block_lg2) - 1));
	nvme_queue_submit(r->ctrl, &r->ctrl->io, &cmd);
	r->commands++;
}

/* Completions come in any order; take them until this slot's was one. */
static int wait_slot(struct reader *r, struct slot *wanted)
{
	struct nvme_completion done;
	uint16_t cid;
	int ret;

	while (wanted->busy) {
		if (stop_asked()) {
			warnx("interrupted");
			return -EINTR;
		}
		ret = nvme_queue_wait(r->ctrl, &r->ctrl->io, &done);
		if (ret)
			return ret;
		ret = nvme_status_check("Read", &done);
		if (ret)
			return ret;
		cid = le16_to_cpu(done.cid);
		if (cid >= r->depth || !r->slots[cid].busy) {
			warnx("a completion for command %u, which isn't in flight",
			      cid);
			return -EPROTO;
		}
		r->slots[cid].busy = false;
	}
	return 0;
}

static int write_out(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR && !stop_asked())
			continue;
		if (n < 0) {
			n = -errno;
			warn("writing the output");
			return n;
		}
		data += n;
		len -= n;
	}
	return 0;
}

static int read_disk(struct reader *r)
{
	uint64_t ahead = 0, offset, size = disk_size(r);
	struct slot *slot;
	int ret;

	for (offset = 0; offset < size; offset += r->transfer) {
		while (ahead < size &&
		       ahead - offset < r->transfer * r->depth) {
			submit_read(r, ahead);
			ahead += r->transfer;
		}
		slot = &r->slots[offset / r->transfer % r->depth];
		ret = wait_slot(r, slot);
		if (!ret)
			ret = write_out(r->fd, slot->data, slot->len);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_namespace(struct nvme_ctrl *ctrl, const struct options *opt,
			  int fd)
{
	struct reader r = { .ctrl = ctrl, .fd = fd };
	int ret;

	ret = nvme_namespace_get(ctrl, opt->nsid, &r.ns);
	if (ret)
		return ret;
	ret = reader_init(&r, opt);
	if (!ret)
		ret = read_disk(&r);
	/* Reads may be in flight: the memory is freed only once they can't. */
	if (ret)
		nvme_ctrl_stop(ctrl);
	nvme_queue_drain(&ctrl->io);
	if (!ret && !opt->quiet)
		fprintf(stderr,
			"%s (%s), namespace %u: %llu bytes in blocks of %llu, %llu reads of up to %zu bytes, %u in flight, %llu interrupts\n",
			ctrl->model, ctrl->serial, r.ns.id,
			(unsigned long long)disk_size(&r),
			1ULL << r.ns.block_lg2, (unsigned long long)r.commands,
			r.transfer, r.depth,
			(unsigned long long)ctrl->io.interrupts);
	reader_deinit(&r);
	return ret;
}

static int open_output(const struct options *opt)
{
	int fd;

	if (opt->output) {
		fd = open(opt->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			  0666);
		if (fd < 0)
			err(EXIT_FAILURE, "%s", opt->output);
		return fd;
	}
	if (isatty(STDOUT_FILENO))
		errx(EXIT_FAILURE,
		     "not writing a disk to a terminal: use --output or a pipe");
	return STDOUT_FILENO;
}

static int run(const struct options *opt)
{
	struct sluice_binding binding = { .bound = false };
	struct nvme_ctrl ctrl;
	int fd = open_output(opt);
	int ret, restored;

	if (opt->bind) {
		ret = sluice_bind(opt->addr, &binding);
		if (ret) {
			warnx("binding %s to vfio-pci: %s", opt->addr,
			      ret == -ENOENT ?
				      "no such driver, or it refused the device" :
				      sluice_open_strerror(ret));
			return ret;
		}
	}
	ret = nvme_ctrl_open(&ctrl, opt->addr, opt->timeout_ms);
	if (!ret)
		ret = read_namespace(&ctrl, opt, fd);
	nvme_ctrl_close(&ctrl);
	if (close(fd) && !ret) {
		ret = -errno;
		warn("closing the output");
	}
	restored = sluice_bind_restore(&binding);
	if (restored)
		warnx("giving %s back to %s: %s", opt->addr, binding.driver,
		      strerror(-restored));
	return ret ? ret : restored;
}

static unsigned long parse_number(struct argp_state *state, const char *name,
				  const char *arg, unsigned long min,
				  unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(arg, &end, 0);
	if (errno || *end || end == arg || value < min || value > max)
		argp_error(state, "%s must be a number from %lu to %lu", name,
			   min, max);
	return value;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 'b':
		opt->bind = true;
		return 0;
	case 'o':
		opt->output = arg;
		return 0;
	case 'q':
		opt->quiet = true;
		return 0;
	case 'n':
		opt->nsid = parse_number(state, "the namespace", arg, 1,
					 0xfffffffe);
		return 0;
	case 'd':
		opt->depth = parse_number(state, "the depth", arg, 1, 1024);
		return 0;
	case 's':
		opt->transfer = parse_number(state, "the size", arg, 4, 16384)
				<< 10;
		return 0;
	case 't':
		opt->timeout_ms =
			parse_number(state, "the time-out", arg, 1, 3600) *
			1000;
		return 0;
	case ARGP_KEY_ARG:
		if (opt->addr)
			argp_error(state, "one PCI address is enough");
		opt->addr = arg;
		return 0;
	case ARGP_KEY_END:
		if (!opt->addr)
			argp_error(state, "which device? Give its PCI address");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option arguments[] = {
	{ "bind", 'b', NULL, 0,
	  "Take the device from its driver (bind it to vfio-pci), and give it back afterwards",
	  0 },
	{ "output", 'o', "FILE", 0, "Write to FILE, not to standard output",
	  0 },
	{ "namespace", 'n', "N", 0, "Read namespace N (1)", 0 },
	{ "depth", 'd', "N", 0, "Keep up to N reads in flight (8)", 0 },
	{ "size", 's', "KIB", 0, "Read KIB KiB with a command (128)", 0 },
	{ "timeout", 't', "SECONDS", 0,
	  "Give up if a command takes longer (10)", 0 },
	{ "quiet", 'q', NULL, 0, "Don't print a summary", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = arguments,
	.parser = parse_option,
	.args_doc = "PCI-ADDRESS",
	.doc = "Read a whole NVMe disk with a driver in user space.\n"
	       "\vThe device at PCI-ADDRESS (lspci -D prints such: 0000:01:00.0)\n"
	       "must be bound to vfio-pci, or --bind be given, and no file\n"
	       "system on it be mounted. The disk is only read, but its\n"
	       "controller is reset. What it contains goes to standard output,\n"
	       "a summary to standard error:\n\n"
	       "  nvme-read --bind 0000:01:00.0 | sha256sum\n",
};

int main(int argc, char **argv)
{
	struct options opt = {
		.nsid = 1,
		.depth = 8,
		.transfer = 128 << 10,
		.timeout_ms = 10000,
	};
	struct sigaction sa = { .sa_handler = on_signal };

	argp_parse(&argp, argc, argv, 0, NULL, &opt);
	/* The device must be given back whatever happens. */
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	return run(&opt) ? EXIT_FAILURE : EXIT_SUCCESS;
}
