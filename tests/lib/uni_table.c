// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "uni_table.h"
#include "kselftest.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define ROW_TIMEOUT_MS 20000

/* The child's exit status. */
enum { ROW_OK, ROW_NO_ENV, ROW_RESULT, ROW_STATE };

/* ---- The valid calls ---- */

union arg {
	uint32_t argsz;
	struct sluice_mem_register reg;
	struct sluice_mem_unregister unreg;
	struct sluice_window_query query;
	struct sluice_window_create create;
	struct sluice_window_remove remove;
	struct sluice_info info;
	struct sluice_dma_batch batch;
};

/* All that a call needs. */
struct call {
	unsigned long cmd;
	union arg arg;
	struct sluice_dma_op op;
	struct uni_layout layout;
};

static const struct {
	const char *name;
	unsigned long cmd;
	uint32_t argsz;
	uint32_t known; /* flags */
} kinds[] = {
	[UNI_REGISTER] = { "register", SLUICE_MEM_REGISTER, 32, UNI_RW },
	[UNI_UNREGISTER] = { "unregister", SLUICE_MEM_UNREGISTER, 16, 0 },
	[UNI_QUERY] = { "query", SLUICE_WINDOW_QUERY, 48, 0 },
	[UNI_CREATE] = { "create", SLUICE_WINDOW_CREATE, 32,
			 SLUICE_WINDOW_FIXED },
	[UNI_REMOVE] = { "remove", SLUICE_WINDOW_REMOVE, 16, 0 },
	[UNI_INFO] = { "info", SLUICE_GET_INFO, 40, 0 },
	[UNI_BATCH] = { "batch", SLUICE_DMA_BATCH, 32, SLUICE_BATCH_ATOMIC },
	[UNI_MAP] = { "map", SLUICE_DMA_BATCH, 32, 0 },
	[UNI_HANDLE] = { "map by handle", SLUICE_DMA_BATCH, 32, 0 },
	[UNI_UNMAP] = { "unmap", SLUICE_DMA_BATCH, 32, 0 },
};

static void make_op(struct call *call, const struct uni_env *e,
		    enum uni_kind kind)
{
	switch (kind) {
	case UNI_MAP:
		call->op = uni_op_map(e->free, e->buf, e->p, UNI_RW);
		break;
	case UNI_HANDLE:
		call->op =
			uni_op_handle(e->free, e->buf_handle, 0, e->p, UNI_RW);
		break;
	default:
		call->op = uni_op_unmap(e->free, e->p);
	}
	call->arg.batch.ops = (uintptr_t)&call->op;
	call->arg.batch.nr_ops = 1;
}

static void make_call(struct call *call, const struct uni_env *e,
		      enum uni_kind kind)
{
	memset(call, 0, sizeof(*call));
	call->cmd = kinds[kind].cmd;
	call->arg.argsz = kinds[kind].argsz;
	switch (kind) {
	case UNI_REGISTER:
		call->arg.reg.flags = UNI_RW;
		call->arg.reg.vaddr = (uintptr_t)e->buf;
		call->arg.reg.size = 2 * e->p;
		break;
	case UNI_UNREGISTER:
		call->arg.unreg.handle = e->buf_handle;
		break;
	case UNI_QUERY:
		call->arg.query.ranges = (uintptr_t)call->layout.ranges;
		call->arg.query.windows = (uintptr_t)call->layout.windows;
		call->arg.query.nr_ranges = UNI_MAX;
		call->arg.query.nr_windows = UNI_MAX;
		break;
	case UNI_CREATE:
		call->arg.create.flags = SLUICE_WINDOW_FIXED;
		call->arg.create.start = e->window + UNI_WINDOW_PAGES * e->p;
		call->arg.create.size = e->p;
		break;
	case UNI_REMOVE:
		call->arg.remove.start = e->spare;
		break;
	case UNI_INFO:
		break;
	default:
		make_op(call, e, kind);
	}
}

/* Takes back what a call that succeeded has done; 1 if that fails. */
static int undo(const struct call *call, struct uni_env *e, enum uni_kind kind)
{
	switch (kind) {
	case UNI_REGISTER:
		return !!uni_unregister(e->c, call->arg.reg.handle);
	case UNI_UNREGISTER:
		return !!uni_register(e->c, e->buf, 8 * e->p, UNI_RW,
				      &e->buf_handle);
	case UNI_CREATE:
		return !!uni_window_remove(e->c, call->arg.create.start);
	case UNI_REMOVE:
		return !!uni_window_at(e->c, e->spare, UNI_WINDOW_PAGES * e->p,
				       0);
	case UNI_MAP:
	case UNI_HANDLE:
		return uni_unmap(e->c, e->free, e->p) != (int64_t)e->p;
	default:
		return 0;
	}
}

static void apply(char *to, const struct uni_patch *patch, uint64_t page)
{
	uint64_t val = patch->k + (int64_t)patch->n * page;

	to += patch->off;
	if (patch->bytes == 4)
		*(uint32_t *)to =
			val + (patch->how == UNI_ADD ? *(uint32_t *)to : 0);
	else
		*(uint64_t *)to =
			val + (patch->how == UNI_ADD ? *(uint64_t *)to : 0);
}

int uni_row_call(const struct uni_env *e, const struct uni_row *r)
{
	struct call call;
	unsigned int i;
	int ret;

	make_call(&call, e, r->kind);
	for (i = 0; i < 2; i++) {
		if (r->patch[i].how != UNI_NONE)
			apply(r->kind >= UNI_MAP ? (char *)&call.op :
						   (char *)&call.arg,
			      &r->patch[i], e->p);
	}
	ret = vfio_ioctl(e->c, call.cmd, &call.arg);
	/* The row's own process: nobody else looks at the handle. */
	return ret ? ret : undo(&call, (struct uni_env *)e, r->kind);
}

static int row_null(const struct uni_env *e, const struct uni_row *r)
{
	return vfio_ioctl(e->c, kinds[r->kind].cmd, NULL);
}

static int row_kernel(const struct uni_env *e, const struct uni_row *r)
{
	return vfio_ioctl(e->c, kinds[r->kind].cmd, (void *)(1UL << 63));
}

/* The lowest flag that isn't known. */
static int row_unknown_flag(const struct uni_env *e, const struct uni_row *r)
{
	uint32_t flag = kinds[r->kind].known + 1;
	struct call call;

	make_call(&call, e, r->kind);
	memcpy((char *)&call.arg + 4, &flag, 4);
	return vfio_ioctl(e->c, call.cmd, &call.arg);
}

/* The last four bytes aren't there. */
static int row_edge(const struct uni_env *e, const struct uni_row *r)
{
	size_t size = kinds[r->kind].argsz - 4;
	struct call call;

	make_call(&call, e, r->kind);
	memcpy(e->edge - size, &call.arg, size);
	return vfio_ioctl(e->c, call.cmd, e->edge - size);
}

/* The structure can't be written to. */
int uni_row_ro(const struct uni_env *e, const struct uni_row *r)
{
	struct call call;

	make_call(&call, e, r->kind);
	mprotect(e->ro, e->p, PROT_READ | PROT_WRITE);
	memcpy(e->ro, &call.arg, sizeof(call.arg));
	mprotect(e->ro, e->p, PROT_READ);
	return vfio_ioctl(e->c, call.cmd, e->ro);
}

static int call_fd(const struct uni_env *e, const struct uni_row *r, int fd)
{
	struct call call;

	make_call(&call, e, r->kind);
	return vfio_ioctl(fd, call.cmd, &call.arg);
}

static int row_group(const struct uni_env *e, const struct uni_row *r)
{
	return call_fd(e, r, e->v.group);
}

static int row_device(const struct uni_env *e, const struct uni_row *r)
{
	return call_fd(e, r, e->v.device);
}

/* What is the same for every ioctl. */
static const struct uni_row common[] = {
	{ .name = "valid", .call = uni_row_call, .want = 0 },
	{ .name = "argsz 0",
	  .call = uni_row_call,
	  .patch = { { UNI_SET, 0, 4, 0, 0 } },
	  .want = -EINVAL },
	{ .name = "argsz one short",
	  .call = uni_row_call,
	  .patch = { { UNI_ADD, 0, 4, -1, 0 } },
	  .want = -EINVAL },
	{ .name = "argsz longer",
	  .call = uni_row_call,
	  .patch = { { UNI_ADD, 0, 4, 8, 0 } },
	  .want = 0 },
	{ .name = "unknown flag", .call = row_unknown_flag, .want = -EINVAL },
	{ .name = "unknown flag 31",
	  .call = uni_row_call,
	  .patch = { { UNI_SET, 4, 4, 1U << 31, 0 } },
	  .want = -EINVAL },
	{ .name = "NULL", .call = row_null, .want = -EFAULT },
	{ .name = "kernel address", .call = row_kernel, .want = -EFAULT },
	{ .name = "structure cut off", .call = row_edge, .want = -EFAULT },
	{ .name = "group's fd", .call = row_group, .want = -ENOTTY },
	{ .name = "device's fd", .call = row_device, .want = -ENOTTY },
	{ .name = "before a type",
	  .call = uni_row_call,
	  .setup = UNI_NO_TYPE,
	  .want = -EINVAL },
};

/* ---- The environment ---- */

static int env_memory(struct uni_env *e)
{
	e->p = uni_page();
	e->buf = sys_alloc(8 * e->p, e->p);
	e->edge = sys_alloc(e->p, e->p);
	e->ro = sys_alloc(e->p, e->p);
	if (!e->buf || !e->edge || !e->ro)
		return -ENOMEM;
	e->edge += e->p;
	return 0;
}

static int env_foreign(struct uni_env *e)
{
	int c = uni_container(), i, ret = c < 0 ? c : 0;

	/* A number that our container doesn't use. */
	for (i = 0; !ret && i < 16; i++)
		ret = uni_register(c, e->buf, e->p, UNI_RW, &e->foreign_handle);
	return ret;
}

static int env_fill(struct uni_env *e)
{
	char *canary = sys_alloc(UNI_CANARY_PAGES * e->p, e->p);
	int ret;

	if (!canary)
		return -ENOMEM;
	/* Room behind the first one. */
	ret = uni_window(e->c, 2 * UNI_WINDOW_PAGES * e->p, 0, &e->window);
	if (!ret)
		ret = uni_window(e->c, UNI_WINDOW_PAGES * e->p, 0, &e->spare);
	if (!ret)
		ret = uni_window_remove(e->c, e->window);
	if (!ret)
		ret = uni_window_at(e->c, e->window, UNI_WINDOW_PAGES * e->p,
				    0);
	if (!ret)
		ret = uni_register(e->c, canary, UNI_CANARY_PAGES * e->p,
				   UNI_RW, &e->canary_handle);
	if (!ret)
		ret = uni_register(e->c, e->buf, 8 * e->p, UNI_RW,
				   &e->buf_handle);
	e->canary_iova = e->window + 2 * e->p;
	e->free = e->canary_iova + UNI_CANARY_PAGES * e->p;
	return ret ? ret :
		     uni_map_handle(e->c, e->canary_iova, e->canary_handle, 0,
				    UNI_CANARY_PAGES * e->p, UNI_RW);
}

static int env_init(struct uni_env *e, enum uni_setup setup)
{
	struct pci_dev dev;
	int ret;

	memset(e, 0, sizeof(*e));
	ret = env_memory(e);
	if (!ret)
		ret = env_foreign(e);
	if (!ret)
		ret = pci_find_alone(&dev, PCI_ID_EDU, 0);
	if (!ret)
		ret = vfio_open(&e->v, &dev, SLUICE_UNIFIED_IOMMU);
	if (ret)
		return ret;
	e->c = e->v.container;
	ret = env_fill(e);
	if (ret || setup == UNI_FULL)
		return ret;
	e->c = setup == UNI_NO_TYPE ? vfio_container() : uni_container();
	return e->c < 0 ? e->c : 0;
}

/* What must be the same before and after. */
struct state {
	struct sluice_info info;
	struct uni_layout layout;
	long locked, pins;
};

static int take_state(const struct uni_env *e, struct state *s)
{
	int ret = uni_info(e->v.container, &s->info);

	if (!ret)
		ret = uni_query(e->v.container, &s->layout);
	/* Where the answer went is no part of it. */
	s->layout.q.ranges = 0;
	s->layout.q.windows = 0;
	s->locked = uni_locked_kib(e->v.container);
	s->pins = sys_pins();
	return ret;
}

static int complain(const char *what, long got, long want)
{
	printf("#   %s: %ld, expected %ld\n", what, got, want);
	return ROW_STATE;
}

static int check_state(const struct uni_env *e, const struct state *want)
{
	int c = e->v.container;
	struct state got;
	int64_t ret;

	sys_pins_settle(want->pins, 1000);
	if (take_state(e, &got))
		return complain("state", 0, 1);
	if (got.info.handles != want->info.handles ||
	    got.info.registered != want->info.registered)
		return complain("handles", got.info.handles,
				want->info.handles);
	if (memcmp(&got.layout, &want->layout, sizeof(got.layout)))
		return complain("windows", got.layout.q.nr_windows,
				want->layout.q.nr_windows);
	if (got.locked != want->locked)
		return complain("locked KiB", got.locked, want->locked);
	if (got.pins != want->pins)
		return complain("pinned pages", got.pins, want->pins);
	ret = uni_map_handle(c, e->canary_iova, e->canary_handle, 0, e->p,
			     SLUICE_READ);
	if (ret != -EEXIST)
		return complain("map over the canary", ret, -EEXIST);
	ret = uni_unmap_all(c);
	if (ret != (int64_t)(UNI_CANARY_PAGES * e->p))
		return complain("bytes mapped", ret, UNI_CANARY_PAGES * e->p);
	ret = uni_unregister(c, e->canary_handle);
	return ret ? complain("unregister the canary", ret, 0) : ROW_OK;
}

/* ---- Running ---- */

static const char *err_name(int ret)
{
	return ret < 0 ? strerrorname_np(-ret) : "success";
}

static int row_child(const struct uni_row *r)
{
	static struct state before;
	static struct uni_env e;
	int ret;

	ret = env_init(&e, r->setup);
	if (!ret)
		ret = take_state(&e, &before);
	if (ret) {
		printf("#   environment: %s\n", err_name(ret));
		return ROW_NO_ENV;
	}
	ret = r->call(&e, r);
	if (ret != r->want) {
		printf("#   result %d (%s), expected %d (%s)\n", ret,
		       err_name(ret), r->want, err_name(r->want));
		return ROW_RESULT;
	}
	return check_state(&e, &before);
}

static bool row_run(const struct uni_row *r)
{
	int child, status;

	fflush(stdout);
	child = fork();
	if (child < 0)
		return false;
	if (!child) {
		status = row_child(r);
		fflush(stdout);
		_exit(status);
	}
	status = sys_wait_child(child, ROW_TIMEOUT_MS);
	if (status == -1 || !WIFEXITED(status)) {
		ksft_print_msg("died or hung (status %d)\n", status);
		return false;
	}
	return WEXITSTATUS(status) == ROW_OK;
}

static void run_and_print(const struct uni_row *r)
{
	ksft_test_result(row_run(r), "%s: %s\n", kinds[r->kind].name, r->name);
}

int uni_table_run(const struct uni_row *rows, int count)
{
	unsigned int kind;
	int i;

	ksft_print_header();
	if (!uni_offered())
		ksft_exit_skip("no unified spaces\n");
	uni_allow_resets(false);
	ksft_set_plan(count + (UNI_BATCH + 1) * ARRAY_SIZE(common));
	for (kind = 0; kind <= UNI_BATCH; kind++) {
		for (i = 0; i < (int)ARRAY_SIZE(common); i++) {
			struct uni_row row = common[i];

			row.kind = kind;
			run_and_print(&row);
		}
	}
	for (i = 0; i < count; i++)
		run_and_print(&rows[i]);
	uni_allow_resets(true);
	ksft_finished();
}
