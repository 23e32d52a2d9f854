// SPDX-License-Identifier: GPL-2.0
/* 6.2: a socket used from reclaim must not use the task's page fragment */
#include <net/sock.h>

void probe(struct sock *sk)
{
	sk->sk_use_task_frag = false;
}
