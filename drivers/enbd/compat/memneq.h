/* SPDX-License-Identifier: GPL-2.0 */
/* crypto_memneq() moved in 6.7; identity.c needs nothing else */
#ifndef ENBD_COMPAT_MEMNEQ_H
#define ENBD_COMPAT_MEMNEQ_H

#include "compat_have.h"

#ifdef HAVE_CRYPTO_UTILS_H
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif

#endif /* ENBD_COMPAT_MEMNEQ_H */
