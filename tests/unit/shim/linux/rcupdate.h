/* SPDX-License-Identifier: GPL-2.0 */
/* RCU by a lock: a reader holds it shared, waiting for readers takes it. */
#ifndef SHIM_LINUX_RCUPDATE_H
#define SHIM_LINUX_RCUPDATE_H

#include <pthread.h>

#define __rcu

static pthread_rwlock_t shim_rcu = PTHREAD_RWLOCK_INITIALIZER;

#define rcu_read_lock()		pthread_rwlock_rdlock(&shim_rcu)
#define rcu_read_unlock()	pthread_rwlock_unlock(&shim_rcu)
#define rcu_dereference(p)	__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_dereference_protected(p, locked) ((void)(locked), (p))
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#define RCU_INIT_POINTER(p, v)	((p) = (v))

static inline void synchronize_rcu_expedited(void)
{
	pthread_rwlock_wrlock(&shim_rcu);
	pthread_rwlock_unlock(&shim_rcu);
}

#endif /* SHIM_LINUX_RCUPDATE_H */
