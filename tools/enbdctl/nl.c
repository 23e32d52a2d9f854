// SPDX-License-Identifier: GPL-2.0
#include "nl.h"

#include <errno.h>
#include <linux/enbd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "module.h"
#include "nl_error.h"

/* The kernel fills dumps in pieces of at most this size. */
#define RECEIVE_SIZE	32768

struct family {
	uint16_t id;
	uint32_t group;
};

static void find_group(const struct nlattr *groups, uint32_t *id)
{
	const struct nlattr *group, *attr;

	mnl_attr_for_each_nested(group, groups) {
		const char *name = NULL;
		uint32_t number = 0;

		mnl_attr_for_each_nested(attr, group) {
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
			    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
				name = mnl_attr_get_str(attr);
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
			    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				number = mnl_attr_get_u32(attr);
		}
		if (name && !strcmp(name, ENBD_MCGRP_EVENTS))
			*id = number;
	}
}

static int take_family(void *arg, const struct nlmsghdr *nlh,
		       struct enbd_err *err)
{
	struct family *family = arg;
	const struct nlattr *attr;

	(void)err;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
			family->id = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			find_group(attr, &family->group);
	}
	return 0;
}

static struct nlmsghdr *begin(uint16_t family, void *buf, uint8_t cmd,
			      uint8_t version, bool dump)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	if (dump)
		nlh->nlmsg_flags |= NLM_F_DUMP;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

struct nlmsghdr *nl_begin(const struct nl *nl, void *buf, uint8_t cmd,
			  bool dump)
{
	return begin(nl->family, buf, cmd, ENBD_GENL_VERSION, dump);
}

static bool find_family(struct nl *nl)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = begin(GENL_ID_CTRL, buf, CTRL_CMD_GETFAMILY, 1,
				     false);
	struct family family = { 0 };
	struct enbd_err ignored;

	mnl_attr_put_strz(req, CTRL_ATTR_FAMILY_NAME, ENBD_GENL_NAME);
	if (nl_run(nl, req, take_family, &family, NULL, &ignored))
		return false;
	nl->family = family.id;
	nl->group = family.group;
	return family.id;
}

int nl_open(struct nl *nl, bool load, struct enbd_err *err)
{
	const int on = 1;

	memset(nl, 0, sizeof(*nl));
	nl->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		enbd_fail(err, ENBD_EXIT_KERNEL,
			  "netlink: cannot open a socket to the kernel: %s",
			  strerror(errno));
		nl_close(nl);
		return -1;
	}
	/* Without these the errors are only less telling. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, (void *)&on,
			      sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, (void *)&on,
			      sizeof(on));
	if (find_family(nl))
		return 0;
	if (load) {
		if (module_load(err))
			goto fail;
		if (find_family(nl))
			return 0;
	}
	/* The driver speaks only to the first namespace. */
	if (!access("/sys/module/" ENBD_GENL_NAME, F_OK))
		enbd_fail(err, ENBD_EXIT_KERNEL,
			  "kernel: the module enbd is loaded, but cannot be reached from this network namespace; run this in the machine's first one: nsenter -t 1 -n enbdctl ...");
	else
		enbd_fail(err, ENBD_EXIT_KERNEL,
			  "kernel: the module enbd is not loaded; load it as root with: modprobe enbd");
fail:
	nl_close(nl);
	return -1;
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

/*
 * One message of the answer. Return: 1 when it was the last one, 0 when more
 * are to come, -1.
 */
static int handle(const struct nlmsghdr *nlh, const struct nlmsghdr *req,
		  int (*each)(void *arg, const struct nlmsghdr *nlh,
			      struct enbd_err *err),
		  void *arg, bool *again, struct enbd_err *err)
{
	int error;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR) {
		if (again)
			*again = true;
		return enbd_fail(err, ENBD_EXIT_KERNEL,
				 "kernel: the devices kept changing while they were listed; try again");
	}
	switch (nlh->nlmsg_type) {
	case NLMSG_NOOP:
		return 0;
	case NLMSG_ERROR:
	case NLMSG_DONE:
		error = nl_error_number(nlh);
		return error ? nl_error_fill(nlh, req, error, err) : 1;
	default:
		if (nlh->nlmsg_type != req->nlmsg_type || !each)
			return 0;
		if (nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
			return 0;
		return each(arg, nlh, err);
	}
}

int nl_run(struct nl *nl, struct nlmsghdr *req,
	   int (*each)(void *arg, const struct nlmsghdr *nlh,
		       struct enbd_err *err),
	   void *arg, bool *again, struct enbd_err *err)
{
	const uint32_t port = mnl_socket_get_portid(nl->sock);
	const struct nlmsghdr *nlh;
	ssize_t got;
	char *buf;
	int left, rc = 0;

	req->nlmsg_seq = ++nl->seq;
	buf = malloc(RECEIVE_SIZE);
	if (!buf)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
	if (mnl_socket_sendto(nl->sock, req, req->nlmsg_len) < 0)
		goto broken;
	while (!rc) {
		got = mnl_socket_recvfrom(nl->sock, buf, RECEIVE_SIZE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto broken;
		left = (int)got;
		for (nlh = (const void *)buf; !rc && mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_seq == nl->seq &&
			    nlh->nlmsg_pid == port)
				rc = handle(nlh, req, each, arg, again, err);
	}
	free(buf);
	return rc < 0 ? -1 : 0;
broken:
	rc = errno;
	free(buf);
	return enbd_fail(err, ENBD_EXIT_KERNEL, "netlink: %s", strerror(rc));
}

int nl_listen(struct nl *nl, struct enbd_err *err)
{
	if (nl->group && mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP,
					       &nl->group,
					       sizeof(nl->group)) >= 0)
		return 0;
	return enbd_fail(err, ENBD_EXIT_KERNEL,
			 "netlink: cannot listen to events: %s",
			 nl->group ? strerror(errno) : "the module has none");
}

/* Generic netlink tells of families in the group that has its own number. */
int nl_listen_end(struct nl *nl, struct enbd_err *err)
{
	const uint32_t group = GENL_ID_CTRL;

	if (mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP,
				  (void *)&group, sizeof(group)) >= 0)
		return 0;
	return enbd_fail(err, ENBD_EXIT_KERNEL,
			 "netlink: cannot listen to the end of the module: %s",
			 strerror(errno));
}

bool nl_is_ours(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN)
		return false;
	mnl_attr_for_each(attr, nlh, GENL_HDRLEN)
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
		    !strcmp(mnl_attr_get_str(attr), ENBD_GENL_NAME))
			return true;
	return false;
}

static bool is_end(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	return nlh->nlmsg_type == GENL_ID_CTRL && nl_is_ours(nlh) &&
	       genl->cmd == CTRL_CMD_DELFAMILY;
}

int nl_hear(struct nl *nl,
	    int (*each)(void *arg, const struct nlmsghdr *nlh,
			struct enbd_err *err),
	    void *arg, bool *lost, struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *nlh;
	ssize_t got;
	int left;

	*lost = false;
	got = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
	if (got < 0 && errno == ENOBUFS)
		*lost = true;
	if (got < 0 && (errno == EINTR || errno == ENOBUFS))
		return 0;
	if (got < 0)
		return enbd_fail(err, ENBD_EXIT_KERNEL, "netlink: %s",
				 strerror(errno));
	left = (int)got;
	for (nlh = (const void *)buf; mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left)) {
		if (is_end(nlh))
			return enbd_fail(err, ENBD_EXIT_KERNEL,
					 "kernel: the module enbd was removed");
		if (nlh->nlmsg_type == nl->family &&
		    nlh->nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN &&
		    each(arg, nlh, err))
			return -1;
	}
	return 0;
}
