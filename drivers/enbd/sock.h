/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The socket under a channel: taking over one that userspace has connected,
 * being called when it has something to say, and getting rid of it.
 */
#ifndef ENBD_SOCK_H
#define ENBD_SOCK_H

#include <linux/net.h>
#include <linux/netlink.h>
#include <net/sock.h>

/* Longest printed address, bytes with the NUL: a Unix socket's path */
#define ENBD_ADDR_LEN	112

/**
 * struct enbd_sock - a socket that is ours
 * @sock:  the socket
 * @wake:  called, in softirq or process context with no lock of ours held,
 *         when there is something to read, room to write, or an end
 * @priv:  for @wake
 * @inet:  TCP over IPv4 or IPv6, not a Unix socket
 * @splice: may refer to the data of writes instead of copying them
 * @saved: callbacks of the socket before we took it
 */
struct enbd_sock {
	struct socket *sock;
	void (*wake)(void *priv);
	void *priv;
	bool inet;
	bool splice;
	struct {
		void (*data_ready)(struct sock *sk);
		void (*write_space)(struct sock *sk);
		void (*state_change)(struct sock *sk);
	} saved;
};

int enbd_sock_init(void);
void enbd_sock_exit(void);

struct socket *enbd_sock_get(int fd, struct netlink_ext_ack *extack);
int enbd_sock_attach(struct enbd_sock *s, struct socket *sock,
		     void (*wake)(void *priv), void *priv,
		     struct netlink_ext_ack *extack);
void enbd_sock_detach(struct enbd_sock *s);
void enbd_sock_abort(struct socket *sock, int err);
void enbd_sock_put(struct socket *sock);
void enbd_sock_names(struct socket *sock, char *local, char *peer);
int enbd_sock_send(struct enbd_sock *s, struct iov_iter *from, int flags);
bool enbd_sock_await_end(struct socket *sock, unsigned int ms);
bool enbd_sock_pulse(const struct enbd_sock *s, unsigned long *heard,
		     bool *unacked);
bool enbd_sock_ended(const struct enbd_sock *s, int *err);

#endif /* ENBD_SOCK_H */
