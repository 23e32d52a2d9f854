// SPDX-License-Identifier: GPL-2.0
/*
 * 6.5: TCP takes pages in sendmsg(). Stable 6.1 defines MSG_SPLICE_PAGES
 * and ignores it, but still has the flags of sendpage.
 */
#include <linux/socket.h>

#ifdef MSG_SENDPAGE_NOTLAST
#error "kernel_sendpage() is what works here"
#endif

const unsigned int probe = MSG_SPLICE_PAGES;
