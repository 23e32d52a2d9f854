/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NAME-NUMBER.env in runstate.h's directory: what udev's rules import of a device.
 * It is also how the programs know again whose data a device has. The number is the
 * kernel's for this disk (diskseq), so that the file of an earlier device of that
 * name, however it went, is never taken for this one's.
 */
#ifndef ENBDCTL_ENVFILE_H
#define ENBDCTL_ENVFILE_H

#include "client.h"
#include "signature.h"

/**
 * envfile_write() - note who the server of a new device is
 * @name: of the disk
 * @hello: what the server has shown
 * @err: receives why it cannot be noted
 *
 * Return: 0 or -1.
 */
int envfile_write(const char *name, const struct enbd_hello *hello,
		  struct enbd_err *err);

/**
 * envfile_digest() - who is the server of a device?
 * @name: of the disk
 * @digest: receives the digest of its signature
 *
 * Return: 1, 0 if the server has none, -1 if nothing is known.
 */
int envfile_digest(const char *name, char digest[ENBD_SIGNATURE_DIGEST]);

/* Remove the files of disks of that name that are not there any more. */
void envfile_sweep(const char *name);

#endif /* ENBDCTL_ENVFILE_H */
