// SPDX-License-Identifier: GPL-2.0
#include "client.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"

/* How long a server may take to hang up after goodbye */
#define LEAVE_MS	500

void enbd_client_opts_init(struct enbd_client_opts *opts)
{
	memset(opts, 0, sizeof(*opts));
	opts->timeout_ms = ENBD_HANDSHAKE_TIMEOUT_MS;
	opts->limit = ENBD_REPLY_FORMAT_EXTENDED;
	opts->features = ENBD_EXT_FEATURES;
}

int enbd_client_open(struct enbd_client *client, const struct enbd_uri *uri,
		     const struct enbd_client_opts *opts,
		     struct enbd_err *err)
{
	const uint64_t now = enbd_now_ms();
	const uint64_t deadline = now + opts->timeout_ms;
	const bool hurry = opts->dial_ms && opts->dial_ms < opts->timeout_ms;

	enbd_uri_server(uri, client->server, sizeof(client->server));
	client->fd = enbd_dial(uri, opts->bind,
			       hurry ? now + opts->dial_ms : deadline, err);
	if (client->fd < 0)
		return -1;
	enbd_stream_init(&client->stream, client->fd, deadline);
	if (enbd_nego_greet(&client->nego, &client->stream.io, client->server,
			    opts->timeout_ms, err)) {
		close(client->fd);
		client->fd = -1;
		return -1;
	}
	return 0;
}

/*
 * Closing with unread bytes resets the connection, and the server may then
 * lose the goodbye: let it hang up first, but not for long.
 */
static void linger(int fd, uint64_t deadline)
{
	char waste[512];

	shutdown(fd, SHUT_WR);
	while (!enbd_poll(fd, POLLIN, deadline))
		if (recv(fd, waste, sizeof(waste), MSG_DONTWAIT) <= 0)
			break;
}

void enbd_client_close(struct enbd_client *client)
{
	const uint64_t deadline = enbd_now_ms() + LEAVE_MS;

	client->stream.deadline = deadline;
	enbd_nego_end(&client->nego);
	linger(client->fd, deadline);
	close(client->fd);
	client->fd = -1;
}

/* The extension, if it is wanted and there; else @hello has no features. */
static int extend(struct enbd_nego *nego, const char *export,
		  const struct enbd_client_opts *opts,
		  struct enbd_hello *hello, struct enbd_err *err)
{
	bool known = false;

	memset(hello, 0, sizeof(*hello));
	if (opts->features && enbd_ext_discover(nego, export, &known, err))
		return -1;
	if (!known)
		return 0;
	if (enbd_ext_hello(nego, export, opts->features, hello, err))
		return -1;
	if (!opts->place || !(hello->features & ENBD_FEATURE_FENCE))
		return 0;
	if (enbd_ext_bind(nego, hello, opts->place, err))
		return -1;
	return opts->fence_count ? enbd_ext_fence(nego, opts->fence,
						  opts->fence_count, err) : 0;
}

int enbd_channel_open(struct enbd_channel *channel, const struct enbd_uri *uri,
		      const struct enbd_client_opts *opts,
		      struct enbd_err *err)
{
	struct enbd_client client;

	if (enbd_client_open(&client, uri, opts, err))
		return -1;
	if (enbd_nego_formats(&client.nego, opts->limit, err) ||
	    extend(&client.nego, uri->export, opts, &channel->hello, err) ||
	    enbd_nego_go(&client.nego, uri->export, &channel->export, err)) {
		close(client.fd);
		return -1;
	}
	channel->fd = client.fd;
	channel->format = client.nego.format;
	return 0;
}

static void say_goodbye(const struct enbd_channel *channel, uint64_t deadline)
{
	struct enbd_stream stream;
	struct enbd_nego nego = {
		.io = &stream.io,
		.transmission = true,
		.format = channel->format,
	};

	enbd_stream_init(&stream, channel->fd, deadline);
	enbd_nego_end(&nego);
}

void enbd_channels_discard(struct enbd_channel *channels, unsigned int count)
{
	const uint64_t deadline = enbd_now_ms() + LEAVE_MS;
	unsigned int i;

	for (i = 0; i < count; i++)
		say_goodbye(&channels[i], deadline);
	for (i = 0; i < count; i++) {
		linger(channels[i].fd, deadline);
		close(channels[i].fd);
		channels[i].fd = -1;
	}
}
