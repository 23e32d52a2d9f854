/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The NBD protocol as it is on the wire, for driver, tools and tests.
 *
 * Names and values follow doc/proto.md of the NetworkBlockDevice project
 * ("the NBD specification" in this tree). All integers are big endian.
 */
#ifndef _UAPI_LINUX_ENBD_WIRE_H
#define _UAPI_LINUX_ENBD_WIRE_H

#include <linux/types.h>

/* Handshake: "Fixed newstyle negotiation" */
#define ENBD_NBDMAGIC			0x4e42444d41474943ULL
#define ENBD_IHAVEOPT			0x49484156454f5054ULL
#define ENBD_OLDSTYLE_MAGIC		0x00420281861253ULL
#define ENBD_OPT_REPLY_MAGIC		0x0003e889045565a9ULL

#define ENBD_HS_FIXED_NEWSTYLE		(1 << 0)
#define ENBD_HS_NO_ZEROES		(1 << 1)
#define ENBD_HS_C_FIXED_NEWSTYLE	(1 << 0)
#define ENBD_HS_C_NO_ZEROES		(1 << 1)

#define ENBD_DEFAULT_PORT		10809
#define ENBD_MAX_STRING			4096	/* longest export name, bytes */

struct enbd_opt_request {
	__be64 magic;		/* ENBD_IHAVEOPT */
	__be32 option;
	__be32 length;
} __attribute__((packed));

struct enbd_opt_reply {
	__be64 magic;		/* ENBD_OPT_REPLY_MAGIC */
	__be32 option;
	__be32 type;
	__be32 length;
} __attribute__((packed));

enum enbd_opt {
	ENBD_OPT_EXPORT_NAME		= 1,
	ENBD_OPT_ABORT			= 2,
	ENBD_OPT_LIST			= 3,
	ENBD_OPT_STARTTLS		= 5,
	ENBD_OPT_INFO			= 6,
	ENBD_OPT_GO			= 7,
	ENBD_OPT_STRUCTURED_REPLY	= 8,
	ENBD_OPT_LIST_META_CONTEXT	= 9,
	ENBD_OPT_SET_META_CONTEXT	= 10,
	ENBD_OPT_EXTENDED_HEADERS	= 11,
	/* the extension, Documentation/protocol.rst */
	ENBD_OPT_HELLO			= 0x454e4201,
	ENBD_OPT_BIND			= 0x454e4202,
	ENBD_OPT_FENCE			= 0x454e4203,
};

#define ENBD_REP_HELLO			0x454e4201U	/* the extension */
#define ENBD_REP_ERR_BIT		(1U << 31)
#define ENBD_REP_ACK			1U
#define ENBD_REP_SERVER			2U
#define ENBD_REP_INFO			3U
#define ENBD_REP_META_CONTEXT		4U
#define ENBD_REP_ERR_UNSUP		(ENBD_REP_ERR_BIT + 1)
#define ENBD_REP_ERR_POLICY		(ENBD_REP_ERR_BIT + 2)
#define ENBD_REP_ERR_INVALID		(ENBD_REP_ERR_BIT + 3)
#define ENBD_REP_ERR_PLATFORM		(ENBD_REP_ERR_BIT + 4)
#define ENBD_REP_ERR_TLS_REQD		(ENBD_REP_ERR_BIT + 5)
#define ENBD_REP_ERR_UNKNOWN		(ENBD_REP_ERR_BIT + 6)
#define ENBD_REP_ERR_SHUTDOWN		(ENBD_REP_ERR_BIT + 7)
#define ENBD_REP_ERR_BLOCK_SIZE_REQD	(ENBD_REP_ERR_BIT + 8)
#define ENBD_REP_ERR_TOO_BIG		(ENBD_REP_ERR_BIT + 9)
#define ENBD_REP_ERR_EXT_HEADER_REQD	(ENBD_REP_ERR_BIT + 10)

#define ENBD_INFO_EXPORT		0
#define ENBD_INFO_NAME			1
#define ENBD_INFO_DESCRIPTION		2
#define ENBD_INFO_BLOCK_SIZE		3

/* Transmission flags */
#define ENBD_FLAG_HAS_FLAGS		(1 << 0)
#define ENBD_FLAG_READ_ONLY		(1 << 1)
#define ENBD_FLAG_SEND_FLUSH		(1 << 2)
#define ENBD_FLAG_SEND_FUA		(1 << 3)
#define ENBD_FLAG_ROTATIONAL		(1 << 4)
#define ENBD_FLAG_SEND_TRIM		(1 << 5)
#define ENBD_FLAG_SEND_WRITE_ZEROES	(1 << 6)
#define ENBD_FLAG_SEND_DF		(1 << 7)
#define ENBD_FLAG_CAN_MULTI_CONN	(1 << 8)
#define ENBD_FLAG_SEND_RESIZE		(1 << 9)
#define ENBD_FLAG_SEND_CACHE		(1 << 10)
#define ENBD_FLAG_SEND_FAST_ZERO	(1 << 11)
#define ENBD_FLAG_BLOCK_STAT_PAYLOAD	(1 << 12)

/* Transmission: requests */
#define ENBD_REQUEST_MAGIC		0x25609513U
#define ENBD_EXT_REQUEST_MAGIC		0x21e41c71U

enum enbd_cmd {
	ENBD_CMD_READ			= 0,
	ENBD_CMD_WRITE			= 1,
	ENBD_CMD_DISC			= 2,
	ENBD_CMD_FLUSH			= 3,
	ENBD_CMD_TRIM			= 4,
	ENBD_CMD_CACHE			= 5,
	ENBD_CMD_WRITE_ZEROES		= 6,
	ENBD_CMD_BLOCK_STATUS		= 7,
	ENBD_CMD_RESIZE			= 8,
	/* the extension, Documentation/protocol.rst */
	ENBD_CMD_FENCE			= 0x4501,
	ENBD_CMD_KEEPALIVE		= 0x4502,
};

#define ENBD_CMD_FLAG_FUA		(1 << 0)
#define ENBD_CMD_FLAG_NO_HOLE		(1 << 1)
#define ENBD_CMD_FLAG_DF		(1 << 2)
#define ENBD_CMD_FLAG_REQ_ONE		(1 << 3)
#define ENBD_CMD_FLAG_FAST_ZERO		(1 << 4)
#define ENBD_CMD_FLAG_PAYLOAD_LEN	(1 << 5)

struct enbd_request {
	__be32 magic;		/* ENBD_REQUEST_MAGIC */
	__be16 flags;
	__be16 type;
	__be64 cookie;
	__be64 offset;
	__be32 length;
} __attribute__((packed));

struct enbd_ext_request {
	__be32 magic;		/* ENBD_EXT_REQUEST_MAGIC */
	__be16 flags;
	__be16 type;
	__be64 cookie;
	__be64 offset;
	__be64 length;
} __attribute__((packed));

/* Transmission: replies */
#define ENBD_SIMPLE_REPLY_MAGIC		0x67446698U
#define ENBD_STRUCTURED_REPLY_MAGIC	0x668e33efU
#define ENBD_EXT_REPLY_MAGIC		0x6e8a278cU

struct enbd_simple_reply {
	__be32 magic;
	__be32 error;
	__be64 cookie;
} __attribute__((packed));

struct enbd_chunk_reply {
	__be32 magic;		/* ENBD_STRUCTURED_REPLY_MAGIC */
	__be16 flags;
	__be16 type;
	__be64 cookie;
	__be32 length;		/* of the payload that follows */
} __attribute__((packed));

struct enbd_ext_reply {
	__be32 magic;		/* ENBD_EXT_REPLY_MAGIC */
	__be16 flags;
	__be16 type;
	__be64 cookie;
	__be64 offset;		/* the request's */
	__be64 length;		/* of the payload that follows */
} __attribute__((packed));

#define ENBD_REPLY_FLAG_DONE		(1 << 0)

#define ENBD_REPLY_TYPE_NONE		0
#define ENBD_REPLY_TYPE_OFFSET_DATA	1
#define ENBD_REPLY_TYPE_OFFSET_HOLE	2
#define ENBD_REPLY_TYPE_BLOCK_STATUS	5
#define ENBD_REPLY_TYPE_STATUS		0x4501	/* the extension */
#define ENBD_REPLY_TYPE_ERR_BIT		(1 << 15)
#define ENBD_REPLY_TYPE_ERROR		(ENBD_REPLY_TYPE_ERR_BIT + 1)
#define ENBD_REPLY_TYPE_ERROR_OFFSET	(ENBD_REPLY_TYPE_ERR_BIT + 2)

/* The extension, Documentation/protocol.rst, "The extension" */
#define ENBD_EXT_CONTEXT		"x-enbd:v1"
#define ENBD_EXT_QUERY			"x-enbd:"
#define ENBD_EXT_MAGIC			0x454e4244U
#define ENBD_EXT_VERSION		1
#define ENBD_EXT_SESSION_LEN		16
#define ENBD_EXT_SIGNATURE_LEN		32
#define ENBD_EXT_VERIFIER_LEN		32
#define ENBD_EXT_CHALLENGE_LEN		16
#define ENBD_EXT_MAX_CHANNELS		64	/* indexes 0 to 63 */

#define ENBD_FEATURE_FENCE		(1 << 0)
#define ENBD_FEATURE_KEEPALIVE		(1 << 1)
#define ENBD_FEATURE_RESIZE		(1 << 2)
#define ENBD_FEATURE_VERIFIER		(1 << 3)

/* Payload of ENBD_OPT_HELLO, then the export's name without a NUL */
struct enbd_ext_hello {
	__be32 magic;		/* ENBD_EXT_MAGIC */
	__be16 version;		/* highest the client knows */
	__be16 reserved;	/* 0 */
	__be32 features;	/* ENBD_FEATURE_* the client knows */
	__be32 name_len;
} __attribute__((packed));

/* Payload of ENBD_REP_HELLO */
struct enbd_ext_hello_reply {
	__be32 magic;
	__be16 version;		/* not above the client's */
	__be16 reserved;	/* 0 */
	__be32 features;	/* granted, a subset of the client's */
	__u8 signature[ENBD_EXT_SIGNATURE_LEN];
	__u8 verifier[ENBD_EXT_VERIFIER_LEN];
	__u8 challenge[ENBD_EXT_CHALLENGE_LEN];
} __attribute__((packed));

/* Payload of ENBD_OPT_BIND */
struct enbd_ext_bind {
	__be32 magic;
	__u8 session[ENBD_EXT_SESSION_LEN];
	__u8 challenge[ENBD_EXT_CHALLENGE_LEN];
	__be32 channel;
	__be32 incarnation;	/* from 1 on */
} __attribute__((packed));

/* Payload of ENBD_OPT_FENCE, then @count of the next */
struct enbd_ext_fence {
	__be32 magic;
	__be32 count;		/* 1 to 64 */
} __attribute__((packed));

struct enbd_ext_fenced {
	__be32 channel;
	__be32 incarnation;	/* this and all before */
} __attribute__((packed));

/* Error values of replies */
#define ENBD_EPERM			1U
#define ENBD_EIO			5U
#define ENBD_ENOMEM			12U
#define ENBD_EINVAL			22U
#define ENBD_ENOSPC			28U
#define ENBD_EOVERFLOW			75U
#define ENBD_ENOTSUP			95U
#define ENBD_ESHUTDOWN			108U

#endif /* _UAPI_LINUX_ENBD_WIRE_H */
