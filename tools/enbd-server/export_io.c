// SPDX-License-Identifier: GPL-2.0
/* An export as a target: one operation becomes one for each member touched. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "export_io.h"
#include "util.h"
#include "vouch.h"

/* What a block_io has in its private bytes while it touches one member */
struct single {
	struct file_io io;
	struct iovec iov;
	struct export *export;
};

static_assert(sizeof(struct single) <= BLOCK_IO_PRIVATE,
	      "BLOCK_IO_PRIVATE is too small");

/* An operation that touches several members */
struct fan {
	struct export *export;
	struct block_io *io;
	atomic_uint left;
	atomic_int error;	/* the first one */
	struct piece {
		struct file_io io;
		struct fan *fan;
	} pieces[];
};

/*
 * May the client be told that its data are safe? A flush speaks for all that
 * its connection wrote, see struct export; what has IO_FUA for itself, and a
 * loss that was found since it began may be its own.
 */
static int stable_error(struct export *export, const struct block_io *io)
{
	if ((export->vouch || io->op != IO_FLUSH) &&
	    io->epoch == atomic_load(&export->target.epoch))
		return 0;
	return atomic_load(&export->sync_error);
}

/* Answer an operation. Who found a loss has called export_data_lost() before. */
static void finish(struct export *export, struct block_io *io, int error)
{
	if (!error && (io->op == IO_FLUSH || io->flags & IO_FUA))
		error = stable_error(export, io);
	io->error = error;
	io->done(io);
}

static void single_done(struct file_io *fio)
{
	struct single *single = container_of(fio, struct single, io);
	struct block_io *io = container_of((char *)single, struct block_io,
					   priv);

	if (fio->lost)
		export_data_lost(single->export, fio->error);
	finish(single->export, io, fio->error);
}

static void piece_done(struct file_io *fio)
{
	struct fan *fan = container_of(fio, struct piece, io)->fan;
	struct export *export = fan->export;
	struct block_io *io = fan->io;
	int error, none = 0;

	/* At once: who flushes this member next must not hear that all is well. */
	if (fio->lost)
		export_data_lost(export, fio->error);
	if (fio->error)
		atomic_compare_exchange_strong(&fan->error, &none, fio->error);
	if (atomic_fetch_sub(&fan->left, 1) != 1)
		return;
	error = atomic_load(&fan->error);
	free(fan);
	finish(export, io, error);
}

static void fill(struct file_io *fio, const struct block_io *io,
		 struct io_file *file, const struct extent *extent)
{
	fio->op = io->op;
	fio->flags = io->flags;
	fio->file = file;
	fio->offset = extent->offset;
	fio->length = extent->length;
	fio->iov = NULL;
	fio->iovcnt = 0;
	fio->error = 0;
}

/* The one member that a range touches; false if there are more */
static bool one_member(const struct export *export, const struct block_io *io,
		       struct extent *extent)
{
	const struct layout *layout = &export->layout;
	uint64_t stripe, number;

	if (layout->members == 1 && !layout->stripe) {
		extent->member = 0;
		extent->offset = io->offset;
		extent->length = io->length;
		return true;
	}
	if (io->op == IO_FLUSH)
		return false;
	if (!layout->stripe) {
		struct extent all[layout->members];
		const unsigned int n = layout_map(layout, io->offset,
						  io->length, all);

		*extent = all[0];
		return n == 1;
	}
	stripe = layout->stripe;
	number = io->offset / stripe;
	if (number != (io->offset + io->length - 1) / stripe)
		return false;
	extent->member = (unsigned int)(number % layout->members);
	extent->offset = number / layout->members * stripe +
			 io->offset % stripe;
	extent->length = io->length;
	return true;
}

static bool prepare_single(struct export *export, struct block_io *io)
{
	struct single *single = (struct single *)io->priv;
	struct extent extent;

	if (!one_member(export, io, &extent))
		return false;
	fill(&single->io, io, &export->files[extent.member], &extent);
	single->io.done = single_done;
	single->export = export;
	if (io->op == IO_READ || io->op == IO_WRITE) {
		single->iov.iov_base = io->buf;
		single->iov.iov_len = io->length;
		single->io.iov = &single->iov;
		single->io.iovcnt = 1;
	}
	return true;
}

static void fail(struct block_io *io, int error)
{
	io->error = error;
	io->done(io);
}

/* All members, for a flush */
static unsigned int map_all(const struct export *export,
			    struct extent *extents)
{
	unsigned int i;

	for (i = 0; i < export->layout.members; i++)
		extents[i] = (struct extent){ .member = i };
	return export->layout.members;
}

static void submit_fan(struct export *export, struct block_io *io)
{
	const struct layout *layout = &export->layout;
	const bool data = io->op == IO_READ || io->op == IO_WRITE;
	struct extent extents[layout->members];
	struct engine *engine = export->engine;
	uint64_t vectors = 0;
	struct iovec *iov;
	struct fan *fan;
	unsigned int i, n;

	/* One member might have done its part when another one refuses. */
	if (io->flags & IO_FAST) {
		fail(io, EOPNOTSUPP);
		return;
	}
	n = io->op == IO_FLUSH ? map_all(export, extents) :
		layout_map(layout, io->offset, io->length, extents);
	if (data)
		vectors = layout_vector_count(layout, io->offset, io->length);
	fan = malloc(sizeof(*fan) + n * sizeof(fan->pieces[0]) +
		     vectors * sizeof(*iov));
	if (!fan) {
		fail(io, ENOMEM);
		return;
	}
	iov = (struct iovec *)&fan->pieces[n];
	fan->export = export;
	fan->io = io;
	atomic_init(&fan->left, n);
	atomic_init(&fan->error, 0);
	for (i = 0; i < n; i++) {
		struct file_io *fio = &fan->pieces[i].io;

		fill(fio, io, &export->files[extents[i].member], &extents[i]);
		fio->done = piece_done;
		fan->pieces[i].fan = fan;
		if (data) {
			fio->iov = iov;
			fio->iovcnt = layout_vectors(layout, io->offset,
						     io->length, &extents[i],
						     io->buf, iov);
			iov += fio->iovcnt;
		}
	}
	/* The last submit() may free the fan, so no reading of it after. */
	for (i = 0; i < n; i++)
		engine->ops->submit(engine, &fan->pieces[i].io);
}

static void export_submit(struct target *target, struct block_io *io)
{
	struct export *export = container_of(target, struct export, target);
	struct single *single = (struct single *)io->priv;

	if (io->op != IO_FLUSH) {
		io->epoch = atomic_load(&target->epoch);
	} else if (stable_error(export, io)) {
		fail(io, stable_error(export, io));
		return;
	}
	if (prepare_single(export, io))
		export->engine->ops->submit(export->engine, &single->io);
	else
		submit_fan(export, io);
}

static int export_run_now(struct target *target, struct block_io *io)
{
	struct export *export = container_of(target, struct export, target);
	struct single *single = (struct single *)io->priv;
	int rc;

	if (!prepare_single(export, io))
		return -EAGAIN;
	rc = export->engine->ops->run_now(export->engine, &single->io);
	if (!rc)
		io->error = single->io.error;
	return rc;
}

static int export_identify(struct target *target, struct target_identity *id)
{
	struct export *export = container_of(target, struct export, target);

	memset(id, 0, sizeof(*id));
	memcpy(id->signature, export->signature, sizeof(id->signature));
	if (export_can_grow(export))
		id->features |= ENBD_FEATURE_RESIZE;
	if (!export->vouch)
		return 0;
	id->features |= ENBD_FEATURE_VERIFIER;
	return vouch_verifier(export->vouch, id->verifier);
}

const struct target_ops export_target_ops = {
	.run_now	= export_run_now,
	.submit		= export_submit,
	.identify	= export_identify,
	.refresh	= export_refresh,
};
