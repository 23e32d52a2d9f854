/* SPDX-License-Identifier: GPL-2.0 */
/* Real atomic operations, so that tests with threads mean something. */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

typedef struct {
	long counter;
} atomic_long_t;

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_mb__after_atomic()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)

static inline void atomic_long_or(long bits, atomic_long_t *v)
{
	__atomic_fetch_or(&v->counter, bits, __ATOMIC_RELAXED);
}

#endif /* SHIM_LINUX_ATOMIC_H */
