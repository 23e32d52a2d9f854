// SPDX-License-Identifier: GPL-2.0
#include "query.h"

#include <stdlib.h>
#include <string.h>

#include "devname.h"

/* How often a listing is begun again that a change has disturbed */
#define TRIES	10

/* An array that grows by one element at a time */
struct list {
	void *items;
	size_t size;
	size_t count;
	size_t room;
};

static void *list_next(struct list *list, struct enbd_err *err)
{
	void *items;

	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 16;
		items = reallocarray(list->items, list->room, list->size);
		if (!items) {
			enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
			return NULL;
		}
		list->items = items;
	}
	return (char *)list->items + list->size * list->count++;
}

static int malformed(struct enbd_err *err)
{
	return enbd_fail(err, ENBD_EXIT_KERNEL,
			 "kernel: an answer of the driver cannot be read; do module and program belong together?");
}

static int add_device(void *arg, const struct nlmsghdr *nlh,
		      struct enbd_err *err)
{
	struct device *device = list_next(arg, err);

	if (!device)
		return -1;
	return msg_get_device(nlh, device) ? malformed(err) : 0;
}

static int add_channel(void *arg, const struct nlmsghdr *nlh,
		       struct enbd_err *err)
{
	struct channel *channel = list_next(arg, err);

	if (!channel)
		return -1;
	return msg_get_channel(nlh, channel) ? malformed(err) : 0;
}

static int add_lost(void *arg, const struct nlmsghdr *nlh, struct enbd_err *err)
{
	struct lost *lost = list_next(arg, err);

	if (!lost)
		return -1;
	return msg_get_lost(nlh, lost) ? malformed(err) : 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct lost *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int by_device(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static int by_channel(const void *a, const void *b)
{
	const struct channel *x = a, *y = b;

	if (x->device_index != y->device_index)
		return x->device_index > y->device_index ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

int query_device(struct nl *nl, uint32_t index, struct device *device,
		 struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_DEVICE_GET, false);
	struct list list = { .size = sizeof(*device) };
	char name[ENBD_NAME_MAX];
	int rc;

	mnl_attr_put_u32(req, ENBD_A_DEVICE_INDEX, index);
	rc = nl_run(nl, req, add_device, &list, NULL, err);
	if (!rc && list.count != 1)
		rc = malformed(err);
	if (!rc)
		memcpy(device, list.items, sizeof(*device));
	free(list.items);
	if (rc && err->code == ENBD_EXIT_NOT_CONNECTED)
		return enbd_fail(err, ENBD_EXIT_NOT_CONNECTED,
				 "/dev/%s: not connected",
				 devname_format(index, name));
	return rc;
}

int query_named(const char *name, struct nl *nl, struct device *device,
		struct enbd_err *err)
{
	uint32_t index;

	if (devname_index(name, &index, err) || nl_open(nl, false, err))
		return -1;
	if (!query_device(nl, index, device, err))
		return 0;
	nl_close(nl);
	return -1;
}

/* A dump, begun again as long as a change disturbs it */
static int dump(struct nl *nl, uint8_t cmd, uint16_t filter,
		int64_t device_index,
		int (*add)(void *arg, const struct nlmsghdr *nlh,
			   struct enbd_err *err),
		struct list *list, struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req;
	int rc, tries;
	bool again;

	for (tries = 0; tries < TRIES; tries++) {
		req = nl_begin(nl, buf, cmd, true);
		if (device_index >= 0)
			mnl_attr_put_u32(req, filter, (uint32_t)device_index);
		list->count = 0;
		again = false;
		rc = nl_run(nl, req, add, list, &again, err);
		if (!rc)
			return 0;
		if (!again)
			break;
	}
	free(list->items);
	return -1;
}

int query_devices(struct nl *nl, struct device **devices, size_t *count,
		  struct enbd_err *err)
{
	struct list list = { .size = sizeof(**devices) };

	if (dump(nl, ENBD_NL_DEVICE_GET, 0, QUERY_ALL, add_device, &list, err))
		return -1;
	if (list.count)
		qsort(list.items, list.count, list.size, by_device);
	*devices = list.items;
	*count = list.count;
	return 0;
}

int query_channels(struct nl *nl, int64_t device_index,
		   struct channel **channels, size_t *count,
		   struct enbd_err *err)
{
	struct list list = { .size = sizeof(**channels) };

	if (dump(nl, ENBD_NL_CHANNEL_GET, ENBD_A_CHANNEL_DEVICE_INDEX,
		 device_index, add_channel, &list, err))
		return -1;
	if (list.count)
		qsort(list.items, list.count, list.size, by_channel);
	*channels = list.items;
	*count = list.count;
	return 0;
}

int query_lost(struct nl *nl, uint32_t device_index, struct lost **lost,
	       size_t *count, struct enbd_err *err)
{
	struct list list = { .size = sizeof(**lost) };

	if (dump(nl, ENBD_NL_LOST_GET, ENBD_A_LOST_DEVICE_INDEX, device_index,
		 add_lost, &list, err))
		return -1;
	if (list.count)
		qsort(list.items, list.count, list.size, by_offset);
	*lost = list.items;
	*count = list.count;
	return 0;
}
