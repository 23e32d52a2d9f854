// SPDX-License-Identifier: GPL-2.0
#include "attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devname.h"
#include "query.h"
#include "signature.h"

static int take_reservation(void *arg, const struct nlmsghdr *nlh,
			    struct enbd_err *err)
{
	if (!msg_get_reservation(nlh, arg))
		return 0;
	return enbd_fail(err, ENBD_EXIT_KERNEL,
			 "kernel: an answer of the driver cannot be read; do module and program belong together?");
}

int attach_reserve(struct attach *a, struct nl *nl, uint32_t device_index,
		   int64_t place, struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req;
	char name[ENBD_NAME_MAX];

	memset(a, 0, sizeof(*a));
	a->nl = nl;
	req = nl_begin(nl, buf, ENBD_NL_CHANNEL_RESERVE, false);
	mnl_attr_put_u32(req, ENBD_A_CHANNEL_DEVICE_INDEX, device_index);
	if (place >= 0)
		mnl_attr_put_u32(req, ENBD_A_CHANNEL_INDEX, (uint32_t)place);
	if (nl_run(nl, req, take_reservation, &a->place, NULL, err))
		return enbd_fail_prefix(err, "/dev/%s: cannot add a channel",
					devname_format(device_index, name));
	/* The device that the place is of, or a later one that refuses it. */
	return query_device(nl, device_index, &a->device, err);
}

/*
 * With no channel left nobody else can fence those that were lost: the server
 * is asked in the handshake, so that one which refuses is known by it. Return:
 * how many are in @list, or -1.
 */
static int to_be_fenced(struct attach *a, struct enbd_fenced *list,
			struct enbd_err *err)
{
	struct channel *channels;
	size_t count, i;
	int lost = 0;

	if (query_channels(a->nl, a->device.index, &channels, &count, err))
		return -1;
	for (i = 0; i < count && lost >= 0; i++) {
		if (channels[i].state != ENBD_CHANNEL_STATE_LOST)
			lost = -1;
		else if (channels[i].unfenced && channels[i].incarnation &&
			 lost < ENBD_EXT_MAX_CHANNELS)
			list[lost++] = (struct enbd_fenced){
				channels[i].index, channels[i].incarnation,
			};
	}
	free(channels);
	return lost < 0 ? 0 : lost;
}

/* What the driver would refuse less tellingly; size and flags are left to it. */
static int check(const struct attach *a, const char *server,
		 const struct enbd_channel *channel, struct enbd_err *err)
{
	const struct enbd_export *e = &channel->export;
	const struct device *d = &a->device;

	if (e->block_min != d->block_min || e->block_pref != d->block_pref ||
	    e->block_max != d->block_max)
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "/dev/%s: cannot add a channel: the server's block sizes are %u, %u, %u now, the device has %u, %u, %u; is it the same export?",
				 d->name, e->block_min, e->block_pref,
				 e->block_max, d->block_min, d->block_pref,
				 d->block_max);
	if (channel->hello.features == a->place.features)
		return 0;
	if (!channel->hello.features)
		return enbd_fail(err, ENBD_EXIT_IDENTITY,
				 "/dev/%s: cannot add a channel: %s shows no signature, the device expects one; is it the right server?",
				 d->name, server);
	return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
			 "/dev/%s: cannot add a channel: %s grants other features (0x%x) than the device has (0x%x); is it an older server?",
			 d->name, server, channel->hello.features,
			 a->place.features);
}

/* An answer that cannot be read leaves the place as it was reserved. */
static int take_place(void *arg, const struct nlmsghdr *nlh,
		      struct enbd_err *err)
{
	struct channel channel;

	(void)err;
	if (!msg_get_channel(nlh, &channel))
		*(uint32_t *)arg = channel.index;
	return 0;
}

static int hand_over(struct attach *a, const char *server,
		     const struct enbd_channel *channel, uint32_t *index,
		     struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(a->nl, buf, ENBD_NL_CHANNEL_ADD,
					false);
	const uint64_t size = channel->export.size;
	char shown[ENBD_SIGNATURE_SHORT];
	int error;

	*index = a->place.index;
	msg_put_channel_add(req, a->device.index, &a->place, channel);
	if (!nl_run(a->nl, req, take_place, index, NULL, err))
		return 0;
	error = err->error;
	if (error == EKEYREJECTED && channel->hello.features)
		enbd_fail(err, err->code,
			  "/dev/%s: cannot add a channel: %s shows the signature %s..., the device expects another; is it the right server, with the right secret?",
			  a->device.name, server,
			  enbd_hex(shown, sizeof(shown),
				   channel->hello.signature,
				   sizeof(channel->hello.signature)));
	else if (error == EINVAL && size != a->device.size &&
		 !(a->place.features & ENBD_FEATURE_RESIZE))
		enbd_fail(err, err->code,
			  "/dev/%s: cannot add a channel: the server offers %llu bytes now, the device has %llu; see enbdctl resize",
			  a->device.name, (unsigned long long)size,
			  (unsigned long long)a->device.size);
	else
		enbd_fail_prefix(err, "/dev/%s: cannot add a channel",
				 a->device.name);
	err->error = error;
	return -1;
}

int attach_connect(struct attach *a, const struct enbd_uri *uri,
		   const struct enbd_client_opts *opts, uint32_t *index,
		   struct enbd_err *err)
{
	struct enbd_fenced fence[ENBD_EXT_MAX_CHANNELS];
	struct enbd_client_opts how = *opts;
	struct enbd_place place = {
		.channel = a->place.index,
		.incarnation = a->place.incarnation,
	};
	struct enbd_channel channel;
	char server[NI_MAXHOST + 16];
	int count;

	memcpy(place.session, a->place.session, sizeof(place.session));
	/* What the device has not is not asked for, and what it has must be. */
	how.features = a->place.features;
	how.place = &place;
	if (how.features & ENBD_FEATURE_FENCE) {
		count = to_be_fenced(a, fence, err);
		if (count < 0)
			return -1;
		how.fence = fence;
		how.fence_count = (unsigned int)count;
	}
	if (enbd_channel_open(&channel, uri, &how, err))
		return -1;
	enbd_uri_server(uri, server, sizeof(server));
	if (check(a, server, &channel, err) ||
	    hand_over(a, server, &channel, index, err)) {
		enbd_channels_discard(&channel, 1);
		return -1;
	}
	/* The driver holds the socket now. */
	close(channel.fd);
	return 0;
}
