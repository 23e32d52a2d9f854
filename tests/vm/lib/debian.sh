# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
debian_find() { return 1; }
debian_prepare() { return 1; }
