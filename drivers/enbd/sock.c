// SPDX-License-Identifier: GPL-2.0
#include "sock.h"

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/moduleparam.h>
#include <linux/netdevice.h>
#include <linux/sched/mm.h>
#include <linux/un.h>
#include <net/dst.h>
#include <net/tcp.h>

#include "compat.h"

/*
 * Sockets handed over by userspace are checked by security modules against
 * whoever sends; that must not be the process whose I/O it happens to be.
 */
static const struct cred *enbd_cred;

static bool splice_local;
module_param(splice_local, bool, 0600);
MODULE_PARM_DESC(splice_local, "For tests: refer to pages even where the server sees them change");

#ifdef CONFIG_DEBUG_LOCK_ALLOC
static struct lock_class_key enbd_slock_key[3];
static struct lock_class_key enbd_lock_key[3];

/*
 * We take the socket's lock while the block layer is above us; a socket of
 * the same family in a filesystem's server is below it. Tell lockdep that
 * they are not the same lock.
 */
static void sock_reclassify(struct sock *sk)
{
	if (!sock_allow_reclassification(sk))
		return;
	switch (sk->sk_family) {
	case AF_INET:
		sock_lock_init_class_and_name(sk, "slock-AF_INET-ENBD",
					      &enbd_slock_key[0],
					      "sk_lock-AF_INET-ENBD",
					      &enbd_lock_key[0]);
		break;
	case AF_INET6:
		sock_lock_init_class_and_name(sk, "slock-AF_INET6-ENBD",
					      &enbd_slock_key[1],
					      "sk_lock-AF_INET6-ENBD",
					      &enbd_lock_key[1]);
		break;
	case AF_UNIX:
		sock_lock_init_class_and_name(sk, "slock-AF_UNIX-ENBD",
					      &enbd_slock_key[2],
					      "sk_lock-AF_UNIX-ENBD",
					      &enbd_lock_key[2]);
		break;
	}
}
#else
static void sock_reclassify(struct sock *sk)
{
}
#endif

/**
 * enbd_sock_init() - before the first socket
 *
 * Return: 0 or -ENOMEM.
 */
int enbd_sock_init(void)
{
	enbd_cred = prepare_kernel_cred(&init_task);
	if (!enbd_cred)
		return -ENOMEM;
	/*
	 * The first socket with a right to reserves, and the last, make the
	 * kernel patch its code everywhere. Do that once, not at every connect
	 * and disconnect.
	 */
	static_branch_inc(&memalloc_socks_key);
	return 0;
}

/* After the last socket. */
void enbd_sock_exit(void)
{
	static_branch_dec(&memalloc_socks_key);
	put_cred(enbd_cred);
}

/**
 * enbd_sock_get() - the socket behind a file descriptor of the caller
 * @fd:     the descriptor
 * @extack: told why not
 *
 * Context: process. Return: a referenced socket, to be released with
 * enbd_sock_put(), or ERR_PTR(): -EBADF or -ENOTSOCK if @fd is no socket,
 * -ESOCKTNOSUPPORT if it is no stream, -EAFNOSUPPORT if it is neither TCP nor
 * Unix, -ENOTCONN if it listens or is not connected, -EOPNOTSUPP with TLS.
 */
struct socket *enbd_sock_get(int fd, struct netlink_ext_ack *extack)
{
	struct socket *sock;
	struct sock *sk;
	int err;

	sock = sockfd_lookup(fd, &err);
	if (!sock) {
		if (err == -ENOTSOCK)
			NL_SET_ERR_MSG(extack, "fd is not a socket");
		else
			NL_SET_ERR_MSG(extack, "fd is not open");
		return ERR_PTR(err);
	}
	sk = sock->sk;
	if (sock->type != SOCK_STREAM) {
		NL_SET_ERR_MSG(extack, "fd is not a stream socket");
		err = -ESOCKTNOSUPPORT;
	} else if (sk->sk_family != AF_UNIX &&
		   !((sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
		     sk->sk_protocol == IPPROTO_TCP)) {
		NL_SET_ERR_MSG(extack, "fd is neither a TCP nor a Unix socket");
		err = -EAFNOSUPPORT;
	} else if (sk->sk_state == TCP_LISTEN) {
		NL_SET_ERR_MSG(extack, "fd is a listening socket, connect one to the server");
		err = -ENOTCONN;
	} else if (sk->sk_state != TCP_ESTABLISHED) {
		NL_SET_ERR_MSG(extack, "fd is not connected to a server");
		err = -ENOTCONN;
	} else if (sk->sk_family != AF_UNIX && inet_csk_has_ulp(sk)) {
		NL_SET_ERR_MSG(extack, "fd has TLS in the kernel, which is not supported yet");
		err = -EOPNOTSUPP;
	} else {
		return sock;
	}
	enbd_sock_put(sock);
	return ERR_PTR(err);
}

/*
 * The callbacks run with sk_callback_lock held for reading where detaching
 * could race with them, so sk_user_data is ours or NULL.
 */
static void sock_wake(struct sock *sk)
{
	struct enbd_sock *s;

	read_lock_bh(&sk->sk_callback_lock);
	s = sk->sk_user_data;
	if (s)
		s->wake(s->priv);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void sock_write_space(struct sock *sk)
{
	struct enbd_sock *s;

	read_lock_bh(&sk->sk_callback_lock);
	s = sk->sk_user_data;
	if (s && sk_stream_is_writeable(sk)) {
		if (sk->sk_socket)
			clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		s->wake(s->priv);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void sock_unix_write_space(struct sock *sk)
{
	sock_wake(sk);
}

/*
 * Does what is sent go through hardware? Else (loopback, veth) the peer's
 * receive queue refers to our pages themselves. If the channel is lost, the
 * write is sent on another one and its pages are used again while a late
 * server may still read them from there: it would write what was never sent.
 *
 * The route may be given another device at any time, when its own goes away,
 * which waits for RCU before it is freed.
 */
static bool sock_leaves_host(struct sock *sk)
{
	struct dst_entry *dst;
	bool hardware;

	rcu_read_lock();
	dst = rcu_dereference(sk->sk_dst_cache);
	hardware = dst && READ_ONCE(dst->dev)->dev.parent;
	rcu_read_unlock();
	return hardware;
}

/**
 * enbd_sock_attach() - make a socket ours
 * @s:      filled
 * @sock:   from enbd_sock_get(); the reference passes to @s on success
 * @wake:   see struct enbd_sock
 * @priv:   for @wake
 * @extack: told why not
 *
 * Context: process. Return: 0, or -EBUSY if somebody in the kernel uses the
 * socket already, such as another channel.
 */
int enbd_sock_attach(struct enbd_sock *s, struct socket *sock,
		     void (*wake)(void *priv), void *priv,
		     struct netlink_ext_ack *extack)
{
	struct sock *sk = sock->sk;
	int err = 0;

	s->sock = sock;
	s->wake = wake;
	s->priv = priv;
	s->inet = sk->sk_family != AF_UNIX;
	s->splice = s->inet && (splice_local || sock_leaves_host(sk));

	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data) {
		NL_SET_ERR_MSG(extack, "socket is in use by the kernel already");
		err = -EBUSY;
	} else {
		s->saved.data_ready = sk->sk_data_ready;
		s->saved.write_space = sk->sk_write_space;
		s->saved.state_change = sk->sk_state_change;
		sk->sk_user_data = s;
		sk->sk_data_ready = sock_wake;
		sk->sk_state_change = sock_wake;
		sk->sk_write_space = s->inet ? sock_write_space :
					       sock_unix_write_space;
	}
	write_unlock_bh(&sk->sk_callback_lock);
	if (err)
		return err;

	sock_reclassify(sk);
	if (s->inet) {
		sock_set_keepalive(sk);
		tcp_sock_set_nodelay(sk);
	}
	/*
	 * Memory may be reclaimed through this very socket: never wait for
	 * I/O to allocate, and use the reserves when there is nothing else.
	 */
	lock_sock(sk);
	sk->sk_allocation = GFP_NOIO | __GFP_MEMALLOC;
	enbd_sk_no_task_frag(sk);
	sk->sk_rcvtimeo = MAX_SCHEDULE_TIMEOUT;
	sk->sk_sndtimeo = MAX_SCHEDULE_TIMEOUT;
	sk_set_memalloc(sk);
	release_sock(sk);
	return 0;
}

/**
 * enbd_sock_detach() - no more calls to s->wake
 * @s: the socket; may be detached already
 *
 * Context: process. When it returns no call is running either.
 */
void enbd_sock_detach(struct enbd_sock *s)
{
	struct sock *sk = s->sock->sk;
	bool ours;

	write_lock_bh(&sk->sk_callback_lock);
	ours = sk->sk_user_data == s;
	if (ours) {
		sk->sk_user_data = NULL;
		sk->sk_data_ready = s->saved.data_ready;
		sk->sk_write_space = s->saved.write_space;
		sk->sk_state_change = s->saved.state_change;
	}
	write_unlock_bh(&sk->sk_callback_lock);
	if (!ours)
		return;
	/* nobody does it for us: the machine would think of reserves for ever */
	lock_sock(sk);
	sk_clear_memalloc(sk);
	sk->sk_allocation = GFP_KERNEL;
	release_sock(sk);
}

/**
 * enbd_sock_abort() - end the connection now
 * @sock: a TCP or Unix socket
 * @err:  what a concurrent user of the socket sees, such as -ECONNABORTED
 *
 * TCP: a reset is sent and the write queue is thrown away, so that nothing
 * of it can leave any more and its pages are given back.
 *
 * Context: process, without the socket's lock.
 */
void enbd_sock_abort(struct socket *sock, int err)
{
	unsigned int noio = memalloc_noio_save();

	if (sock->sk->sk_family != AF_UNIX)
		tcp_abort(sock->sk, -err);
	kernel_sock_shutdown(sock, SHUT_RDWR);
	memalloc_noio_restore(noio);
}

/**
 * enbd_sock_put() - give the reference back
 * @sock: from enbd_sock_get(), detached
 *
 * Context: process. In a kernel thread the last reference closes the socket
 * here and now, not in some later work that could wait for our own I/O.
 */
void enbd_sock_put(struct socket *sock)
{
	unsigned int noio = memalloc_noio_save();

	if (current->flags & PF_KTHREAD)
		__fput_sync(sock->file);
	else
		fput(sock->file);
	memalloc_noio_restore(noio);
}

static void sock_name(struct sockaddr_storage *ss, int len, char *buf)
{
	struct sockaddr_un *un = (void *)ss;
	int path = len - (int)offsetof(struct sockaddr_un, sun_path);

	if (len < 0) {
		strscpy(buf, "?", ENBD_ADDR_LEN);
	} else if (ss->ss_family != AF_UNIX) {
		snprintf(buf, ENBD_ADDR_LEN, "%pISpc", ss);
	} else if (path <= 0) {
		strscpy(buf, "unix", ENBD_ADDR_LEN);
	} else {
		path = min_t(int, path, sizeof(un->sun_path));
		snprintf(buf, ENBD_ADDR_LEN, "%s%.*s",
			 un->sun_path[0] ? "" : "@",
			 un->sun_path[0] ? path : path - 1,
			 un->sun_path[0] ? un->sun_path : un->sun_path + 1);
	}
}

/**
 * enbd_sock_names() - both ends, for people
 * @sock:  a connected socket
 * @local: at least ENBD_ADDR_LEN bytes
 * @peer:  at least ENBD_ADDR_LEN bytes
 */
void enbd_sock_names(struct socket *sock, char *local, char *peer)
{
	struct sockaddr_storage ss;
	int len;

	memset(&ss, 0, sizeof(ss));
	len = kernel_getsockname(sock, (void *)&ss);
	sock_name(&ss, len, local);
	memset(&ss, 0, sizeof(ss));
	len = kernel_getpeername(sock, (void *)&ss);
	sock_name(&ss, len, peer);
}

/**
 * enbd_sock_send() - send what the socket takes now
 * @s:     the socket
 * @from:  what to send, advanced past what was sent
 * @flags: MSG_MORE, ENBD_MSG_SPLICE
 *
 * Context: process; never waits for the peer. Caller serialises senders.
 *
 * Return: bytes taken, -EAGAIN if the socket is full (then wake() is called
 * when it no longer is), or what the socket died of.
 */
int enbd_sock_send(struct enbd_sock *s, struct iov_iter *from, int flags)
{
	struct msghdr msg = {
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL | flags,
	};
	unsigned int reclaim = memalloc_noreclaim_save();
	const struct cred *old = override_creds(enbd_cred);
	int ret;

	msg.msg_iter = *from;
	ret = enbd_sock_sendmsg(s->sock, &msg);
	if (ret > 0)
		iov_iter_advance(from, ret);
	revert_creds(old);
	memalloc_noreclaim_restore(reclaim);
	return ret;
}

/**
 * enbd_sock_ended() - will nothing more arrive?
 * @s:   the socket, everything that had arrived read before
 * @err: set to the error it ended with, 0 for an orderly end
 *
 * Context: any.
 */
bool enbd_sock_ended(const struct enbd_sock *s, int *err)
{
	struct sock *sk = s->sock->sk;

	*err = READ_ONCE(sk->sk_err);
	return *err || (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN) ||
	       (s->inet && READ_ONCE(sk->sk_state) == TCP_CLOSE);
}

/**
 * enbd_sock_pulse() - when did the peer's kernel last say something?
 * @s:       the socket
 * @heard:   in jiffies: moved forward to when an acknowledgment last came
 * @unacked: set to whether something is overdue that it did not acknowledge
 *
 * Context: any; both may be a little old. Return: false if there are no
 * acknowledgments on such a socket.
 */
bool enbd_sock_pulse(const struct enbd_sock *s, unsigned long *heard,
		     bool *unacked)
{
	const struct tcp_sock *tp;
	unsigned long when;
	u32 una, queued;

	if (!s->inet)
		return false;
	tp = tcp_sk(s->sock->sk);
	/*
	 * What waits for the peer to make room does not count. But without a
	 * route, when a link of ours is down, nothing is on its way either.
	 */
	una = READ_ONCE(tp->snd_una);
	queued = READ_ONCE(tp->write_seq) - una;
	*unacked = una != READ_ONCE(tp->snd_nxt) ||
		   (queued && READ_ONCE(tp->snd_wnd) >=
			      min(queued, READ_ONCE(tp->mss_cache)));
	when = jiffies - (u32)(tcp_jiffies32 - READ_ONCE(tp->rcv_tstamp));
	if (time_after(when, *heard))
		*heard = when;
	return true;
}

/* Where bytes go that nobody wants; never read */
static char sock_waste[4096];

/**
 * enbd_sock_await_end() - wait for the peer to end the connection
 * @sock: a connected socket, detached; what still comes is thrown away
 * @ms:   how long at most, milliseconds
 *
 * Context: process. Return: whether it ended in order.
 */
bool enbd_sock_await_end(struct socket *sock, unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	int ret;

	do {
		struct kvec vec = { sock_waste, sizeof(sock_waste) };
		struct msghdr msg = {};

		WRITE_ONCE(sock->sk->sk_rcvtimeo,
			   max_t(long, end - jiffies, 1));
		ret = kernel_recvmsg(sock, &msg, &vec, 1, sizeof(sock_waste),
				     0);
	} while (ret > 0 && time_before(jiffies, end));
	return !ret;
}
