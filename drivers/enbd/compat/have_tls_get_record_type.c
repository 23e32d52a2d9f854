// SPDX-License-Identifier: GPL-2.0
/* 6.6: helpers that read kTLS control messages */
#include <net/handshake.h>
#include <net/sock.h>

u8 probe(const struct sock *sk, struct cmsghdr *cmsg)
{
	return tls_get_record_type(sk, cmsg);
}
