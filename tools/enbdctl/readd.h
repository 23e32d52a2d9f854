/* SPDX-License-Identifier: GPL-2.0 */
/* A disk that was away goes back into its arrays. */
#ifndef ENBDCTL_READD_H
#define ENBDCTL_READD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "md_array.h"
#include "md_super.h"

/* The disk, and as many partitions as the kernel knows */
#define READD_NODES_MAX		257

/**
 * struct readd_node - the disk, or one of its partitions
 * @name: below /dev
 * @start: where on the disk it begins, bytes
 * @size: bytes
 * @looked: nothing can be done for it while no array holds it
 * @joining: it was taken back, and the array has to give it a place
 * @joined: the array has done so
 * @looks: how often it had none yet
 * @whole: it is in sync, and nothing is kept for it
 * @leg: its superblock, when it was taken back
 */
struct readd_node {
	char name[MD_NODE_MAX];
	uint64_t start;
	uint64_t size;
	bool looked;
	bool joining;
	bool joined;
	unsigned int looks;
	bool whole;
	struct md_super leg;
};

/**
 * struct readd - a disk, its partitions, and the arrays there are
 * @disk: its name
 * @force: what is lost outside of arrays is somebody else's business
 * @nodes: the disk first; @node_count of them
 * @more: there are others, which are not among @nodes
 * @arrays: @array_count of them, read anew before each step
 */
struct readd {
	char disk[MD_NODE_MAX];
	bool force;
	struct readd_node nodes[READD_NODES_MAX];
	size_t node_count;
	bool more;
	struct md_array *arrays;
	size_t array_count;
};

/* Look for the nodes of @r->disk. */
void readd_nodes(struct readd *r);

/* Is it a disk of ours, or on one, that is not up? Whoever reads it has to wait. */
bool readd_is_away(const char *node);

/* Is it one that may have lost writes? */
bool readd_is_stale(const char *node);

/**
 * readd_lock() - be the only one who works on a disk, or on an array
 * @name: of it
 * @err: receives why that cannot be
 *
 * Return: a descriptor that holds the lock until it is closed, or -1.
 */
int readd_lock(const char *name, struct enbd_err *err);

/* The same, but do not wait. Return: the descriptor, or -1. */
int readd_trylock(const char *name);

/**
 * readd_stale() - make a stale disk one that may be taken back
 * @r: with nodes and arrays
 * @err: receives why not
 *
 * Every range that it may have lost is put into the bitmap of the array that
 * it belongs to, then the disk is accepted. Nothing is done if a range belongs
 * to something else, unless that is forced: then it is remembered, for an array
 * that may take the disk back later.
 *
 * Return: 0 or -1.
 */
int readd_stale(struct readd *r, struct enbd_err *err);

/**
 * readd_accept() - accept a stale disk as it is
 * @r: with nodes and arrays
 * @err: receives ENBD_EXIT_BUSY if an array holds it, unless that is forced: who
 *       forces it has told that array what to copy
 *
 * What it may have lost outside of such arrays is remembered.
 *
 * Return: 0 or -1.
 */
int readd_accept(struct readd *r, struct enbd_err *err);

/**
 * readd_take_back() - one disk or partition back into its array
 * @r: with arrays
 * @node: of it
 * @taken: set if it was
 * @err: receives why not
 *
 * Nothing to do is no failure: it is in use, or of no running array.
 *
 * Return: 0 or -1.
 */
int readd_take_back(struct readd *r, struct readd_node *node, bool *taken,
		    struct enbd_err *err);

/**
 * readd_watch() - see that a leg that was taken back is in
 * @node: of @r, joining
 *
 * From then on its own bitmap has what md may forget if it is lost again before it
 * is in sync, and what was kept (readd_keep()) is not needed any more.
 *
 * Return: false while it has no place in the array yet.
 */
bool readd_watch(struct readd *r, struct readd_node *node);

/**
 * readd_freezes() - remember that mdadm is going to freeze an array
 * @array: that it adds @node to
 * @err: receives why that cannot be remembered
 *
 * Return: 0 or -1.
 */
int readd_freezes(const struct md_array *array, const char *node,
		  struct enbd_err *err);

/* What was frozen for @node, by this run or by one that was killed, is no longer. */
void readd_thaw(const struct md_array *list, size_t count, const char *node);

/* The same for what runs for other disks than @disk, which were killed, left behind */
void readd_thaw_others(const char *disk);

/**
 * readd_mark_own() - mark in the array what the bitmap of a leg of it names
 * @array: that the leg will be taken back into
 * @node: the leg
 * @block: its superblock, as it was when the leg had a place
 * @partly: it was lost while it was being copied to
 * @err: receives why the leg cannot be taken back
 *
 * More than is missing may be copied: md clears bits on the disk some seconds late.
 *
 * Return: 0 or -1.
 */
int readd_mark_own(const struct md_array *array, const char *node,
		   const struct md_block *block, bool partly,
		   struct enbd_err *err);

/**
 * readd_mark_others() - mark in the array what is in the bitmap on its disks
 * @node: of which nothing is read
 *
 * Return: 0 or -1.
 */
int readd_mark_others(const struct md_array *array, const char *node,
		      struct enbd_err *err);

/**
 * readd_keep() - keep what is in the bitmap on an array's disks
 * @node: a leg that is going to be re-added, of which nothing is read
 * @leg: its superblock
 *
 * Return: 0 or -1.
 */
int readd_keep(const struct md_array *array, const char *node,
	       const struct md_super *leg, struct enbd_err *err);

/* Mark in the array what was kept for a leg. Return: 1, 0 if nothing was, or -1. */
int readd_mark_kept(const struct md_array *array, const struct md_super *leg,
		    struct enbd_err *err);

/* It is not needed any more. */
void readd_kept_drop(const struct md_super *leg);

#endif /* ENBDCTL_READD_H */
