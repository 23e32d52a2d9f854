// SPDX-License-Identifier: GPL-2.0
/*
 * Three maps of the device, one bit a region. Marks go to the current map.
 *
 * When a flush begins, the current map is set aside and the flush *owns* it:
 * what it holds was answered before the flush was sent, so the flush covers it.
 * A free map becomes the current one. When the owner ends well its map is
 * cleared; if it fails, what the map holds goes back to the current one. Either
 * way the map is free again.
 *
 * Two maps can be set aside. A flush that finds no free map adds the current
 * one to that set aside last and takes it over from its owner, which clears
 * nothing then. So the oldest owner has a map that nobody takes from it, and
 * the journal shrinks however many flushes overlap; and the newest flush always
 * has one, so that nothing is left once all of them have ended well.
 *
 * Why marks need no lock
 * ----------------------
 *
 * The server's promise: a flush covers every write whose reply was sent before
 * the flush was received. A mark is made after the write's reply was received,
 * and before the request is ended. Let F be a flush that sets map A aside.
 *
 * - The mark looked for the current map after F's begin: it goes to another
 *   map. Too much at most, if F covers it all the same.
 *
 * - It looked before, and found A. So its reply had been received before F
 *   was sent, and F covers it, whenever the bit gets into A:
 *   - before A is cleared or moved: as it should be;
 *   - after, when A is free or current again: too much, until three more
 *     flushes have ended well. Nothing is lost by that.
 *
 * - It looked before, and found its bit set by somebody else, so it left it as
 *   it is. If A is cleared afterwards, F covers this write too. If A is moved,
 *   the bit is moved with it.
 *
 * - Could it have found A after F's begin, from an old look at @cur? Then its
 *   reply would have to be one that F does not cover: sent by the server after F
 *   was received, which was after F's begin; and what was stored before a
 *   message was sent is seen by who has received an answer to it.
 *
 * - A bit that is found set in the current map cannot be one that is about to
 *   be cleared by an earlier owner: a map becomes current only after it was
 *   cleared (release and acquire of @cur).
 *
 * - Moving the current map into another (both maps owned, or a resize) takes
 *   each word with xchg: a bit is there before, and moved, or comes after, and
 *   stays. A mark that came before it was for a reply received before the new
 *   owner was sent.
 *
 * A write is ended after its mark; a flush that the block layer sends because
 * of that finds the mark.
 *
 * Chunks
 * ------
 *
 * A second level says in which chunks of a map anything is set, so that
 * clearing costs as much as was written and not as much as the disk is large.
 * A mark sets the region's bit and then the chunk's; clearing takes the chunk's
 * bit and then the regions'. Both with a full barrier between. So a region that
 * stays set has its chunk set, and a chunk may be set without any region.
 */
#include "journal.h"

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#define MAPS		3

/* Regions of a chunk */
#define CHUNK		4096

/**
 * struct journal_map - which regions
 * @region: one bit each
 * @chunk:  one bit for each chunk, set if there may be a region in it
 * @owner:  token of the flush that will clear it, 0 if it is current or free;
 *          under journal.lock
 */
struct journal_map {
	unsigned long *region;
	unsigned long *chunk;
	u32 owner;
};

/**
 * struct journal_maps - all maps, of one region size
 * @nr:    regions; constant
 * @shift: log2 of a region's bytes; constant
 * @cur:   the map that marks go to; written under journal.lock
 * @map:   the maps
 * @bits:  of all of them
 */
struct journal_maps {
	unsigned long nr;
	unsigned int shift;
	unsigned int cur;
	struct journal_map map[MAPS];
	unsigned long bits[];
};

/**
 * struct enbd_journal - see above
 * @maps:    replaced by a resize; read under RCU, or under @lock
 * @lock:    owns who owns which map, and what is set aside and moved
 * @size:    bytes of the device; written under @lock
 * @token:   of the last flush; under @lock
 * @spare:   what the next resize will put in the place of @maps; whose call it is
 * @growing: what was marked before a resize is not all in @maps yet; under
 *           @lock
 */
struct enbd_journal {
	struct journal_maps __rcu *maps;
	spinlock_t lock;	/* see above */
	u64 size;
	u32 token;
	struct journal_maps *spare;
	bool growing;
};

static unsigned long words(unsigned long bits)
{
	return DIV_ROUND_UP(bits, BITS_PER_LONG);
}

/* The last region may be a part of one. */
static u64 regions(u64 size, unsigned int shift)
{
	return size ? ((size - 1) >> shift) + 1 : 0;
}

static unsigned int shift_for(u64 size)
{
	unsigned int shift = ENBD_JOURNAL_MIN_SHIFT;

	while (regions(size, shift) > ENBD_JOURNAL_MAX_REGIONS)
		shift++;
	return shift;
}

static struct journal_maps *maps_new(u64 size, unsigned int shift)
{
	unsigned long nr = max_t(u64, regions(size, shift), 1);
	unsigned long chunks = words(DIV_ROUND_UP(nr, CHUNK));
	/* a chunk is cleared as a whole */
	unsigned long each = words(round_up(nr, CHUNK));
	struct journal_maps *maps;
	unsigned int i;

	/* may fail rather than wait for ever: what is freed may need our caller */
	maps = kvzalloc(struct_size(maps, bits, MAPS * (each + chunks)),
			GFP_KERNEL | __GFP_RETRY_MAYFAIL);
	if (!maps)
		return NULL;
	maps->nr = nr;
	maps->shift = shift;
	for (i = 0; i < MAPS; i++) {
		maps->map[i].region = maps->bits + i * (each + chunks);
		maps->map[i].chunk = maps->map[i].region + each;
	}
	return maps;
}

static void word_set(unsigned long *word, unsigned long bits)
{
	if ((READ_ONCE(*word) & bits) != bits) {
		atomic_long_or(bits, (atomic_long_t *)word);
		/* region before chunk, pairs with xchg() in map_move() */
		smp_mb__after_atomic();
	}
}

/* Set some regions of a word of @map. */
static void map_set(struct journal_map *map, unsigned long word,
		    unsigned long bits)
{
	unsigned long chunk = word / (CHUNK / BITS_PER_LONG);

	word_set(&map->region[word], bits);
	word_set(&map->chunk[chunk / BITS_PER_LONG],
		 1UL << chunk % BITS_PER_LONG);
}

/* Take all that is set, and set it in @to instead, if that is not NULL. */
static void map_move(const struct journal_maps *maps, struct journal_map *map,
		     struct journal_map *to)
{
	unsigned long nr = words(DIV_ROUND_UP(maps->nr, CHUNK));
	unsigned long i, word, end, bits;

	for (i = 0; i < nr; i++) {
		unsigned long chunks = READ_ONCE(map->chunk[i]);

		if (!chunks)
			continue;
		for (chunks = xchg(&map->chunk[i], 0); chunks;
		     chunks &= chunks - 1) {
			word = (i * BITS_PER_LONG + __ffs(chunks)) *
			       (CHUNK / BITS_PER_LONG);
			end = word + CHUNK / BITS_PER_LONG;
			for (; word < end; word++) {
				if (!READ_ONCE(map->region[word]))
					continue;
				bits = xchg(&map->region[word], 0);
				if (to)
					map_set(to, word, bits);
			}
		}
	}
}

/* Mark the regions of some bytes; what is beyond the last is in the last. */
static void maps_mark(struct journal_maps *maps, u64 offset, u64 length)
{
	/* pairs with the release of who made it current */
	unsigned int cur = smp_load_acquire(&maps->cur);
	unsigned long at = min_t(u64, offset >> maps->shift, maps->nr - 1);
	unsigned long last = min_t(u64, (offset + length - 1) >> maps->shift,
				   maps->nr - 1);

	while (at <= last) {
		unsigned long first = at % BITS_PER_LONG;
		unsigned long n = min(last - at + 1, BITS_PER_LONG - first);

		map_set(&maps->map[cur], at / BITS_PER_LONG,
			~0UL >> (BITS_PER_LONG - n) << first);
		at += n;
	}
}

/* What any map has of a word of regions */
static unsigned long maps_word(const struct journal_maps *maps,
			       unsigned long word)
{
	unsigned long bits = 0;
	unsigned int i;

	for (i = 0; i < MAPS; i++)
		bits |= READ_ONCE(maps->map[i].region[word]);
	return bits;
}

/* Has any map something in the chunk that begins with this region? */
static bool maps_chunk(const struct journal_maps *maps, unsigned long region)
{
	unsigned long chunk = region / CHUNK;
	unsigned long bits = 0;
	unsigned int i;

	for (i = 0; i < MAPS; i++)
		bits |= READ_ONCE(maps->map[i].chunk[chunk / BITS_PER_LONG]);
	return bits >> chunk % BITS_PER_LONG & 1;
}

/* The first region from @at on that is @set, or not; @end if there is none. */
static unsigned long maps_find(const struct journal_maps *maps,
			       unsigned long at, unsigned long end, bool set)
{
	while (at < end) {
		unsigned long bits;

		if (set && at % CHUNK == 0 && !maps_chunk(maps, at)) {
			at += CHUNK;
			continue;
		}
		bits = maps_word(maps, at / BITS_PER_LONG);
		bits = (set ? bits : ~bits) & ~0UL << at % BITS_PER_LONG;
		at = round_down(at, BITS_PER_LONG);
		if (bits)
			return min(at + __ffs(bits), end);
		at += BITS_PER_LONG;
	}
	return end;
}

/* Regions that a device of @size bytes has, but no more than there are. */
static unsigned long maps_end(const struct journal_maps *maps, u64 size)
{
	return min_t(u64, regions(size, maps->shift), maps->nr);
}

static struct journal_maps *journal_maps(struct enbd_journal *j)
{
	return rcu_dereference_protected(j->maps, lockdep_is_held(&j->lock));
}

/**
 * enbd_journal_new() - make an empty journal
 * @size: bytes of the device, up to 2^63 - 1
 *
 * Context: may sleep. Return: the journal, NULL without memory.
 */
struct enbd_journal *enbd_journal_new(u64 size)
{
	struct enbd_journal *j = kzalloc(sizeof(*j), GFP_KERNEL);
	struct journal_maps *maps;

	if (!j)
		return NULL;
	maps = maps_new(size, shift_for(size));
	if (!maps) {
		kfree(j);
		return NULL;
	}
	spin_lock_init(&j->lock);
	j->size = size;
	RCU_INIT_POINTER(j->maps, maps);
	return j;
}

/**
 * enbd_journal_free() - undo enbd_journal_new()
 * @j: nobody uses it any more; may be NULL
 */
void enbd_journal_free(struct enbd_journal *j)
{
	if (!j)
		return;
	kvfree(rcu_dereference_protected(j->maps, true));
	kvfree(j->spare);
	kfree(j);
}

/**
 * enbd_journal_prepare() - have the memory for another size
 * @j:    the journal
 * @size: bytes, up to 2^63 - 1
 *
 * Context: may sleep; one call at a time, and no enbd_journal_resize() meanwhile.
 * Return: 0 or -ENOMEM; nothing has changed.
 */
int enbd_journal_prepare(struct enbd_journal *j, u64 size)
{
	struct journal_maps *old = rcu_dereference_protected(j->maps, true);
	unsigned int shift = max(shift_for(size), old->shift);

	kvfree(j->spare);
	j->spare = NULL;
	if (regions(size, shift) <= old->nr && shift == old->shift)
		return 0;
	j->spare = maps_new(size, shift);
	return j->spare ? 0 : -ENOMEM;
}

/**
 * enbd_journal_resize() - the device has another size
 * @j:    the journal, prepared for it
 * @size: bytes
 *
 * To be called before requests to a new part of the device are possible. What
 * is beyond a smaller size is not told, but not forgotten. A flush that is
 * under way when regions must be added clears nothing.
 *
 * Context: may sleep, waits for marks being made; one call at a time, and none
 * of enbd_journal_clear() nor enbd_journal_next_range() meanwhile.
 */
void enbd_journal_resize(struct enbd_journal *j, u64 size)
{
	struct journal_maps *old = rcu_dereference_protected(j->maps, true);
	struct journal_maps *maps = j->spare ?: old;
	unsigned long at, end;

	j->spare = NULL;
	spin_lock(&j->lock);
	j->growing = maps != old;
	WRITE_ONCE(j->size, size);
	rcu_assign_pointer(j->maps, maps);
	spin_unlock(&j->lock);
	if (maps == old)
		return;

	/* from here on nobody else looks at the old maps */
	synchronize_rcu_expedited();
	for (at = 0; at < old->nr; at = end) {
		at = maps_find(old, at, old->nr, true);
		end = maps_find(old, at, old->nr, false);
		if (at < end)
			maps_mark(maps, (u64)at << old->shift,
				  (u64)(end - at) << old->shift);
	}
	spin_lock(&j->lock);
	j->growing = false;
	spin_unlock(&j->lock);
	kvfree(old);
}

/**
 * enbd_journal_clear() - forget everything
 * @j: the journal
 *
 * Context: process; no enbd_journal_resize() meanwhile.
 */
void enbd_journal_clear(struct enbd_journal *j)
{
	struct journal_maps *maps;
	unsigned int i;

	spin_lock(&j->lock);
	maps = journal_maps(j);
	for (i = 0; i < MAPS; i++)
		map_move(maps, &maps->map[i], NULL);
	spin_unlock(&j->lock);
}

/**
 * enbd_journal_mark() - a write that is not durable yet was acknowledged
 * @j:      the journal
 * @offset: first byte written
 * @length: bytes, not 0
 *
 * To be called after its reply was received and before the request is ended.
 *
 * Context: any but hard interrupt; takes no lock.
 */
void enbd_journal_mark(struct enbd_journal *j, u64 offset, u64 length)
{
	rcu_read_lock();
	maps_mark(rcu_dereference(j->maps), offset, length);
	rcu_read_unlock();
}

/*
 * Set the current map aside for a flush. They become current in turn, so the
 * next one has been set aside first, and the one before last; and what a late
 * mark leaves in a free map does not stay there.
 */
static void maps_set_aside(struct journal_maps *maps, u32 token)
{
	unsigned int cur = maps->cur;
	unsigned int next = (cur + 1) % MAPS;
	unsigned int before = (cur + 2) % MAPS;

	if (maps->map[next].owner) {
		map_move(maps, &maps->map[cur], &maps->map[before]);
		maps->map[before].owner = token;
		return;
	}
	maps->map[cur].owner = token;
	/* pairs with maps_mark(): it finds the map cleared */
	smp_store_release(&maps->cur, next);
}

/**
 * enbd_journal_flush_begin() - a flush is about to be sent
 * @j: the journal
 *
 * To be called before it is sent for the first time; sending it again does not
 * change what it stands for.
 *
 * Context: process. Return: a token for enbd_journal_flush_end(), may be 0.
 */
u32 enbd_journal_flush_begin(struct enbd_journal *j)
{
	u32 token = 0;

	spin_lock(&j->lock);
	if (!j->growing) {
		if (!++j->token)
			j->token++;
		token = j->token;
		maps_set_aside(journal_maps(j), token);
	}
	spin_unlock(&j->lock);
	return token;
}

/**
 * enbd_journal_flush_end() - a flush is over
 * @j:     the journal
 * @token: of its begin
 * @ok:    the server has answered that it was done; false if it failed, or was
 *         never answered
 *
 * Context: process.
 */
void enbd_journal_flush_end(struct enbd_journal *j, u32 token, bool ok)
{
	struct journal_maps *maps;
	struct journal_map *map;
	unsigned int i;

	if (!token)
		return;
	spin_lock(&j->lock);
	maps = journal_maps(j);
	for (i = 0; i < MAPS; i++) {
		map = &maps->map[i];
		if (map->owner != token)
			continue;
		map_move(maps, map, ok ? NULL : &maps->map[maps->cur]);
		map->owner = 0;
	}
	spin_unlock(&j->lock);
}

/**
 * enbd_journal_empty() - is there nothing that could be lost?
 * @j: the journal
 *
 * Context: process. Return: whether there is nothing; true is final only if no
 * replies are being received.
 */
bool enbd_journal_empty(struct enbd_journal *j)
{
	struct journal_maps *maps;
	unsigned long end;
	bool empty;

	spin_lock(&j->lock);
	maps = journal_maps(j);
	end = maps_end(maps, j->size);
	empty = !j->growing && maps_find(maps, 0, end, true) == end;
	spin_unlock(&j->lock);
	return empty;
}

/**
 * enbd_journal_bytes() - how much is it?
 * @j: the journal
 *
 * Context: any. Return: bytes of all regions in the journal, as they were a
 * moment ago.
 */
u64 enbd_journal_bytes(struct enbd_journal *j)
{
	const struct journal_maps *maps;
	unsigned long at, end, bits;
	u64 size, bytes, nr = 0;

	rcu_read_lock();
	maps = rcu_dereference(j->maps);
	size = READ_ONCE(j->size);
	end = maps_end(maps, size);
	for (at = 0; at < end; at += BITS_PER_LONG) {
		if (at % CHUNK == 0 && !maps_chunk(maps, at)) {
			at += CHUNK - BITS_PER_LONG;
			continue;
		}
		bits = maps_word(maps, at / BITS_PER_LONG);
		if (end - at < BITS_PER_LONG)
			bits &= (1UL << (end - at)) - 1;
		nr += hweight_long(bits);
	}
	bytes = nr << maps->shift;
	/* the last region may be a part of one */
	if (nr && (u64)end << maps->shift > size &&
	    maps_find(maps, end - 1, end, true) < end)
		bytes -= ((u64)end << maps->shift) - size;
	rcu_read_unlock();
	return bytes;
}

/**
 * enbd_journal_region_size() - bytes of a region
 * @j: the journal
 *
 * Context: any. Return: a power of two, at least 64 KiB.
 */
u64 enbd_journal_region_size(struct enbd_journal *j)
{
	u64 size;

	rcu_read_lock();
	size = 1ULL << rcu_dereference(j->maps)->shift;
	rcu_read_unlock();
	return size;
}

/**
 * enbd_journal_next_range() - go through what is in the journal
 * @j:      the journal
 * @pos:    where to go on, bytes; 0 to begin with, moved behind the range
 * @offset: set to the first byte of a range
 * @length: set to its bytes
 *
 * Ranges are made of whole regions, but for the end of the device, and never
 * touch each other.
 *
 * Context: process; no enbd_journal_resize() meanwhile. Return: false if there
 * is no more.
 */
bool enbd_journal_next_range(struct enbd_journal *j, u64 *pos, u64 *offset,
			     u64 *length)
{
	struct journal_maps *maps;
	unsigned long at, to, end;

	spin_lock(&j->lock);
	maps = journal_maps(j);
	end = maps_end(maps, j->size);
	at = maps_find(maps, min_t(u64, *pos >> maps->shift, end), end, true);
	to = maps_find(maps, at, end, false);
	*offset = (u64)at << maps->shift;
	*pos = (u64)to << maps->shift;
	*length = min(*pos, j->size) - *offset;
	spin_unlock(&j->lock);
	return at < to;
}
