// SPDX-License-Identifier: GPL-2.0
/*
 * Enhanced Network Block Device: a remote disk that behaves like a local one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "device.h"
#include "netlink_gen.h"

static int __init enbd_init(void)
{
	int err = enbd_device_global_init();

	if (err)
		return err;
	err = genl_register_family(&enbd_nl_family);
	if (err)
		enbd_device_global_exit();
	return err;
}

/*
 * Devices that are open keep the module; the others are removed. Unregistering
 * the family first makes sure that no new ones appear.
 */
static void __exit enbd_exit(void)
{
	genl_unregister_family(&enbd_nl_family);
	enbd_device_remove_all();
	enbd_device_global_exit();
}

module_init(enbd_init);
module_exit(enbd_exit);

MODULE_DESCRIPTION("Enhanced Network Block Device");
MODULE_LICENSE("GPL");
MODULE_VERSION(ENBD_VERSION);
MODULE_ALIAS_GENL_FAMILY(ENBD_GENL_NAME);
