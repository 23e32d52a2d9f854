// SPDX-License-Identifier: GPL-2.0
/* A connection's side of the extension. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <linux/enbd_wire.h>

#include "conn_state.h"
#include "slog.h"
#include "util.h"

/* binding_ops.stop */
static void binding_stop(struct binding *binding)
{
	struct connection *conn = container_of(binding, struct connection,
					       binding);

	atomic_store(&conn->fenced, true);
	connection_stop(conn);
}

/* binding_ops.retire */
static void binding_retire(struct binding *binding)
{
	connection_drain(container_of(binding, struct connection, binding));
}

static const struct binding_ops binding_ops = {
	.stop	= binding_stop,
	.retire	= binding_retire,
};

int ext_hello(struct connection *conn, struct target *target,
	      struct hs_hello *hello)
{
	struct target_identity id;
	int err;

	if (getrandom(hello->challenge, sizeof(hello->challenge), 0) !=
	    sizeof(hello->challenge))
		return errno ? errno : EIO;
	/*
	 * Joined first: either the verifier that we are told is new already,
	 * or we are retired with all that were told the old one. The epoch,
	 * too: with an old verifier no flush succeeds until then.
	 */
	conn->told = target;
	conn->binding.ops = &binding_ops;
	sessions_join(target->sessions, &conn->binding);
	conn->epoch = atomic_load(&target->epoch);
	err = target->ops->identify(target, &id);
	if (err) {
		sessions_leave(target->sessions, &conn->binding);
		conn->told = NULL;
		return err;
	}
	hello->features = id.features | ENBD_FEATURE_FENCE |
			  ENBD_FEATURE_KEEPALIVE;
	memcpy(hello->signature, id.signature, sizeof(hello->signature));
	memcpy(hello->verifier, id.verifier, sizeof(hello->verifier));
	return 0;
}

int ext_bind(struct connection *conn, const uint8_t *session, uint32_t channel,
	     uint32_t incarnation)
{
	return sessions_bind(conn->told->sessions, &conn->binding, session,
			     channel, incarnation);
}

bool ext_admit(struct connection *conn)
{
	const struct connection_env *env = conn->env;
	bool admitted = env->admit(env->ctx, conn, false);

	if (!admitted && conn->told)
		admitted = sessions_replace(conn->told->sessions,
					    &conn->binding) &&
			   env->admit(env->ctx, conn, true);
	if (admitted)
		atomic_store(&conn->binding.has_place, true);
	return admitted;
}

uint32_t ext_check(const struct connection *conn,
		   const struct nbd_request *nbd)
{
	if (nbd->type == ENBD_CMD_KEEPALIVE)
		return !(conn->features & ENBD_FEATURE_KEEPALIVE) ||
		       nbd->flags || nbd->offset || nbd->length ?
			ENBD_EINVAL : 0;
	if (!(conn->features & ENBD_FEATURE_FENCE) || nbd->flags ||
	    nbd->length)
		return ENBD_EINVAL;
	return conn->binding.session ? 0 : ENBD_EPERM;
}

/* fence.done: any thread */
static void fence_done(struct fence *fence, int error)
{
	struct request *req = container_of(fence, struct request, fence);
	struct connection *conn = req->conn;

	req->node.iov[0].iov_base = req->header;
	req->node.iov[0].iov_len = nbd_put_reply(req->header, conn->mode,
						 &req->nbd,
						 error ? ENBD_ESHUTDOWN : 0);
	req->node.iovcnt = 1;
	request_answered(req);
}

uint32_t ext_fence(struct request *req)
{
	struct connection *conn = req->conn;

	req->fenced.channel = (uint32_t)(req->nbd.offset >> 32);
	req->fenced.incarnation = (uint32_t)req->nbd.offset;
	req->fence.items = &req->fenced;
	req->fence.count = 1;
	req->fence.done = fence_done;
	return sessions_fence(conn->told->sessions, &conn->binding,
			      &req->fence) ? ENBD_EINVAL : 0;
}

void ext_reading_ended(struct connection *conn)
{
	if (conn->told)
		sessions_cancel(conn->told->sessions, &conn->binding);
}

void ext_ended(struct connection *conn)
{
	if (!conn->told)
		return;
	/*
	 * Who fences it may come in its place as soon as that is answered, which is
	 * at once from here on; but replies may still wait for its client.
	 */
	conn->env->release(conn->env->ctx, conn);
	sessions_leave(conn->told->sessions, &conn->binding);
	if (atomic_load(&conn->fenced))
		slog_peer("%s: export \"%s\": channel %u was fenced; disconnected",
			  conn->peer, conn->told->info.name,
			  conn->binding.channel);
}
