#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is generated from the netlink specification is what lies in the tree.
. "$(dirname "$0")/lint.sh"
/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip_all "python3-yaml is missing: apt install python3-yaml"

Documentation/netlink/generate.py --check 2>&1 | ok "generated files follow from enbd.yaml"
finish
