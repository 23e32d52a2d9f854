// SPDX-License-Identifier: GPL-2.0
/*
 * What can be changed of a device: its size and its time limits.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "device.h"

#include "disk.h"

/* Under dev->lock. Returns 0, -EINVAL, or -ENOMEM, and a text in @why. */
static int device_resize(struct enbd_device *dev, u64 size, const char **why)
{
	struct enbd_device_config wanted = dev->config;
	int err = 0;
	int attr;

	wanted.size = size;
	*why = enbd_device_check(&wanted, &attr);
	if (*why)
		return -EINVAL;
	if (dev->size != size)
		err = enbd_session_resize(&dev->session, size);
	if (err) {
		*why = "no memory to record writes to so much";
	} else if (dev->size != size) {
		WRITE_ONCE(dev->size, size);
		enbd_disk_set_size(dev);
		enbd_device_notify(dev, ENBD_EVENT_DEVICE_RESIZE, NULL);
	}
	return err;
}

/**
 * enbd_device_resize() - somebody wants another size
 * @dev:  the device
 * @size: bytes
 * @why:  set to a text that says why not
 *
 * From now on a connection need not offer more than that, whatever the server had
 * said before: who makes the device smaller knows that the export is.
 *
 * Context: process. Return: 0, -EINVAL, or -ENOMEM.
 */
int enbd_device_resize(struct enbd_device *dev, u64 size, const char **why)
{
	int err;

	mutex_lock(&dev->lock);
	err = device_resize(dev, size, why);
	if (!err && size < READ_ONCE(dev->offered))
		WRITE_ONCE(dev->offered, size);
	mutex_unlock(&dev->lock);
	return err;
}

/**
 * enbd_device_accept() - somebody takes responsibility for lost writes
 * @dev:    the device
 * @extack: told why not
 *
 * Context: process. Return: 0 or -EINVAL if it is not stale.
 */
int enbd_device_accept(struct enbd_device *dev, struct netlink_ext_ack *extack)
{
	int err = enbd_session_accept(&dev->session, extack);

	if (err)
		return err;
	pr_warn("%s: the loss of acknowledged writes was accepted\n", dev->name);
	enbd_device_notify(dev, ENBD_EVENT_DEVICE_ACCEPTED, NULL);
	return 0;
}

/* The export has grown. What makes no sense changes nothing. */
void enbd_device_resize_work(struct work_struct *work)
{
	struct enbd_device *dev = container_of(work, struct enbd_device,
					       resize_work);
	u64 size = READ_ONCE(dev->offered);
	const char *why;
	int err = 0;

	mutex_lock(&dev->lock);
	if (size > dev->size)
		err = device_resize(dev, size, &why);
	mutex_unlock(&dev->lock);
	if (err)
		pr_warn_ratelimited("%s: the server offers %llu bytes: %s\n",
				    dev->name, size, why ?: "no memory");
	if (err == -ENOMEM) {
		/* when the server says it again */
		WRITE_ONCE(dev->offered, READ_ONCE(dev->size));
		WRITE_ONCE(dev->said, READ_ONCE(dev->size));
	}
	enbd_device_put(dev);
}

/**
 * enbd_device_judge_size() - may a connection be to this device's export?
 * @dev:  the device
 * @size: bytes that the server offers on it
 *
 * Return: NULL, or why not.
 */
const char *enbd_device_judge_size(const struct enbd_device *dev, u64 size)
{
	if (size > S64_MAX)
		return "size offered to the channel is beyond 2^63 - 1 bytes";
	if (!(dev->session.features & ENBD_FEATURE_RESIZE))
		return size == READ_ONCE(dev->size) ? NULL :
		       "size offered to the channel is not the device's, is it the same export?";
	return size >= READ_ONCE(dev->offered) ? NULL :
	       "the export has shrunk, a device does not follow that";
}

/**
 * enbd_device_offer() - the server says how large the export is
 * @dev:  the device
 * @size: bytes
 *
 * With ENBD_FEATURE_RESIZE the device grows with it, a little later; a size that
 * was set by hand stays until then. What no disk can have is ignored: it must not
 * be what later connections are judged by.
 *
 * Context: any that may queue work.
 */
void enbd_device_offer(struct enbd_device *dev, u64 size)
{
	u64 largest = READ_ONCE(dev->offered);

	if (!(dev->session.features & ENBD_FEATURE_RESIZE) ||
	    size == READ_ONCE(dev->said))
		return;
	WRITE_ONCE(dev->said, size);
	if (size > S64_MAX) {
		pr_warn_ratelimited("%s: the server says that the export has %llu bytes, which is ignored\n",
				    dev->name, size);
	} else if (size < largest) {
		pr_warn_ratelimited("%s: the export has shrunk from %llu to %llu bytes, the device has not\n",
				    dev->name, largest, size);
	} else if (size > largest) {
		WRITE_ONCE(dev->offered, size);
		enbd_device_queue(dev, &dev->resize_work);
	}
}

/**
 * enbd_device_set_io_timeout() - change it
 * @dev: the device
 * @ms:  milliseconds without an answer until a channel is lost, 0 never
 */
void enbd_device_set_io_timeout(struct enbd_device *dev, u32 ms)
{
	mutex_lock(&dev->lock);
	WRITE_ONCE(dev->config.io_timeout, ms);
	enbd_disk_set_timeout(dev);
	mutex_unlock(&dev->lock);
	enbd_session_set_io_timeout(&dev->session, ms);
}
