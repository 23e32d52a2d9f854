// SPDX-License-Identifier: GPL-2.0
/* Is a client still there? TCP's word on it. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "conn_state.h"
#include "slog.h"

/* As long as listener.c has TCP's keep-alive try it */
#define VANISHED_MS	120000u
/* A machine that is there answers each of these, before the next. */
#define PROBES		2

bool connection_has_vanished(struct connection *conn)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &len) ||
	    info.tcpi_last_ack_recv < VANISHED_MS)
		return false;
	if (!info.tcpi_unacked && info.tcpi_probes < PROBES)
		return false;
	slog_peer("%s: nothing heard for two minutes; disconnected",
		  conn->peer);
	return true;
}
