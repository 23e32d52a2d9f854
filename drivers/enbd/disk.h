/* SPDX-License-Identifier: GPL-2.0 */
/* The block layer's side of a device: limits, requests, the gendisk's life. */
#ifndef ENBD_DISK_H
#define ENBD_DISK_H

struct enbd_device;
struct gendisk;

int enbd_disk_alloc(struct enbd_device *dev);
void enbd_disk_put(struct enbd_device *dev);
void enbd_disk_free(struct enbd_device *dev);
struct gendisk *enbd_disk_get(struct enbd_device *dev);
int enbd_disk_show(struct enbd_device *dev);
void enbd_disk_hide(struct enbd_device *dev);
void enbd_disk_set_size(struct enbd_device *dev);
void enbd_disk_set_timeout(struct enbd_device *dev);

#endif /* ENBD_DISK_H */
