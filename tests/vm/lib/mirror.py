#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""mirror.py FROM TO NAME...: makes TO/NAME the same as FROM/NAME.

Prints how many files it changed or deleted.

Only files whose content differs are written, so that make rebuilds only what
changed; what the build made beside them stays; sources that are gone go.
"""

import filecmp
import os
import shutil
import sys

SOURCE = (".c", ".h", ".S", ".sh", ".mk", ".inc")
SOURCE_NAMES = ("Kbuild", "Makefile", "VERSION", "dkms.conf")
# What a build of the module writes beside the sources: a build in the tree
# itself was for another kernel.
GENERATED = (".mod.c", "compat_have.h")
MANIFEST = ".mirrored"


def is_source(name):
    return (name.endswith(SOURCE) or name in SOURCE_NAMES) and not name.endswith(GENERATED)


def copy_file(source, target):
    """Copies when the content differs; the copy's time is now, for make. Says
    whether it did."""
    if os.path.exists(target) and filecmp.cmp(source, target, shallow=False):
        return False
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    shutil.copymode(source, target)
    return True


def sources(root, name):
    """Paths relative to root of the sources that name is or contains."""
    if os.path.isfile(os.path.join(root, name)):
        yield name
    for directory, _, files in os.walk(os.path.join(root, name)):
        for file in files:
            if is_source(file):
                yield os.path.relpath(os.path.join(directory, file), root)


def main():
    source, target = sys.argv[1:3]
    wanted = sorted(p for name in sys.argv[3:] for p in sources(source, name))
    manifest = os.path.join(target, MANIFEST)
    before = []
    if os.path.exists(manifest):
        with open(manifest) as f:
            before = f.read().splitlines()
    os.makedirs(target, exist_ok=True)
    changed = sum(copy_file(os.path.join(source, path), os.path.join(target, path))
                  for path in wanted)
    for path in set(before) - set(wanted):
        changed += 1
        if os.path.exists(os.path.join(target, path)):
            os.remove(os.path.join(target, path))
    with open(manifest, "w") as f:
        f.write("".join(p + "\n" for p in wanted))
    print(changed)


if __name__ == "__main__":
    main()
