# SPDX-License-Identifier: GPL-2.0
# ENBD: the module, the tools, and everything that checks them.
#
#   make                    module for the running kernel, and the tools
#   make module KVER=...    for another installed kernel (or KDIR=its build folder)
#   make tools              the tools alone, no kernel headers needed
#   make install            DESTDIR=, PREFIX=, SBINDIR= and so on as usual
#   make dkms-install       module by DKMS, for every kernel now and later
#   make demo               see a remote disk work, in a virtual machine
#   make check              everything that is tested; check-quick: under 2 minutes
#   make torture [N=n] [SEED=n] [KERNEL=uml]  n faults under load, 1000 unless told;
#                           a thousand connections, and kills of enbdctl
#   make torture-md [N=n]   n outages of a leg of each kind of array, 200 unless told
#   make bench [ROUNDS=n]   measure against nbd.ko and nvme-tcp

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

ifdef KDIR
KVER ?= $(shell $(MAKE) -s --no-print-directory -C $(KDIR) kernelrelease)
else
KVER ?= $(shell uname -r)
KDIR := /lib/modules/$(KVER)/build
endif

PREFIX  ?= /usr
SBINDIR ?= $(PREFIX)/sbin
MANDIR  ?= $(PREFIX)/share/man
LIBDIR  ?= $(PREFIX)/lib/enbd

# Where others look, whatever PREFIX is
MODDIR  ?= /lib/modules/$(KVER)/updates
UDEVDIR ?= /lib/udev/rules.d
UNITDIR ?= /lib/systemd/system
OCFDIR  ?= /usr/lib/ocf
SRCDIR  ?= /usr/src

CFLAGS  ?= -O2 -g
INSTALL ?= install
CLANG   ?= clang

# What the sources need, whatever CFLAGS says
STRICT   := -std=gnu11 -Wall -Wextra -Werror
CPPFLAGS += -D_GNU_SOURCE -Iinclude/uapi -I. -Itools/lib -DENBD_VERSION='"$(VERSION)"'

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all module tools torture-tools unit fuzz check check-unit check-quick lint demo bench \
	torture torture-md \
	install install-tools install-ocf install-module dkms-install clean help

all: tools module

help:
	@sed -n '/^#   /s/^# *//p' Makefile

# ---- module ----

module:
	@test -e $(KDIR)/Makefile || { \
		echo "make: no headers for kernel $(KVER): apt install linux-headers-$(KVER)" \
		     "(or choose KVER=/KDIR=; 'make tools' needs none)" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

# ---- tools ----

lib_src    := $(wildcard tools/lib/*.c)
ctl_src    := $(wildcard tools/enbdctl/*.c)
server_src := $(wildcard tools/enbd-server/*.c)

ctl_libs    := -lmnl -lcjson -linih -lgnutls -lpthread
server_libs := -linih -lgnutls -lpthread

objects = $(patsubst %.c,build/obj/%.o,$(1))

tools: build/enbdctl build/enbd-client build/enbd-server

build/obj/%.o: %.c Makefile dkms.conf
	@mkdir -p $(@D)
	$(CC) $(STRICT) $(CPPFLAGS) $(CFLAGS) -pthread -MMD -MP -c -o $@ $<

build/libenbd.a: $(call objects,$(lib_src))
	@rm -f $@
	$(AR) rcs $@ $^

build/enbdctl: $(call objects,$(ctl_src)) build/libenbd.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ctl_libs)

# The name under which the original's users know the client
build/enbd-client: build/enbdctl
	ln -sf enbdctl $@

build/enbd-server: $(call objects,$(server_src)) build/libenbd.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(server_libs)

# ---- what tortures ----

torture_bin := build/torture/ghost-proxy build/torture/history-check

torture-tools: $(torture_bin)

build/torture/ghost-proxy: $(call objects,tests/torture/ghost-proxy.c \
		tests/torture/ghost-link.c tests/torture/frames.c)
build/torture/history-check: $(call objects,tests/torture/history.c \
		tests/torture/journal.c tests/torture/ledger.c tests/torture/block.c)
$(torture_bin):
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpthread

# ---- unit tests and fuzzers ----
# A test names the sources it is linked with in a comment "link: FILE.c ...";
# of the library it gets whatever it still misses. A comment "cflags: OPTION ..."
# is for code of the driver, which needs the stand-ins of tests/unit/shim.
# tests/links.awk writes the rules, into a fragment of its own for each of the two,
# whole, for two may make them at a time.

unit_bin := $(patsubst tests/unit/%.c,build/unit/%,$(wildcard tests/unit/test_*.c))
fuzz_bin := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
test_libs := -lmnl -lcjson -linih -lgnutls -lpthread

unit_cc := $(CC) $(STRICT) $(CPPFLAGS) -g -O1 -fno-omit-frame-pointer -pthread \
	   -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz_cc := $(CLANG) $(STRICT) $(CPPFLAGS) -g -O1 -fno-omit-frame-pointer -pthread \
	   -fsanitize=address,undefined -fno-sanitize-recover=all

unit: $(unit_bin)
fuzz: $(fuzz_bin)

build/unit/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(unit_cc) $(test_flags) -MMD -MP -c -o $@ $<

build/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(fuzz_cc) $(test_flags) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

build/unit/libenbd.a: $(patsubst %.c,build/unit/obj/%.o,$(lib_src))
build/fuzz/libenbd.a: $(patsubst %.c,build/fuzz/obj/%.o,$(lib_src))
build/unit/libenbd.a build/fuzz/libenbd.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(unit_bin): build/unit/%: build/unit/obj/tests/unit/%.o build/unit/libenbd.a
	$(unit_cc) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(test_libs)

$(fuzz_bin): build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o build/fuzz/libenbd.a
	$(fuzz_cc) -fsanitize=fuzzer $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(test_libs)

build/%/links.mk: tests/links.awk $(wildcard tests/unit/test_*.c tests/fuzz/fuzz_*.c)
	@mkdir -p $(@D)
	@awk -v dir=$* -f tests/links.awk $(wildcard tests/$*/*.c) /dev/null >$@.$$$$ && \
		mv $@.$$$$ $@

ifneq ($(filter unit fuzz build/unit/% build/fuzz/%,$(MAKECMDGOALS)),)
include build/unit/links.mk build/fuzz/links.mk
endif

-include $(shell find build -type f -name '*.d' 2>/dev/null)

# ---- checks ----

check:
	@tests/install-packages tests/packages-build tests/packages tests/vm/packages
	@tests/run-check

check-quick:
	@tests/install-packages tests/packages-build tests/packages tests/vm/packages
	@tests/run-check --quick

check-unit:
	@tests/run-check --stages unit,fuzz

lint:
	@tests/run-check --stages lint

demo:
	@tests/install-packages tests/packages-build tests/packages-demo tests/vm/packages
	@tests/run-demo

torture:
	@tests/install-packages tests/packages-build tests/packages tests/vm/packages
	@tests/torture/run $(if $(N),--faults $(N)) $(if $(SEED),--seed $(SEED)) \
		$(if $(KERNEL),--kernel $(KERNEL))
	@tests/vm/run --kernel $(or $(KERNEL),uml) --timeout 3600 --env ENBD_LONG=1 -- \
		prove -v $(patsubst %,tests/t/%.t,cycles server-restart kill-enbdctl)

torture-md:
	@tests/install-packages tests/packages-build tests/packages tests/vm/packages
	@tests/vm/run --kernel $(or $(KERNEL),uml) --timeout 14400 --env MD_ROUNDS=$(or $(N),200) \
		$(if $(SEED),--env MD_SEED=$(SEED)) -- prove -v tests/t/md-outages.t

bench:
	@tests/install-packages tests/packages-build tests/packages tests/vm/packages
	@bench/run $(if $(ROUNDS),--rounds $(ROUNDS))

# ---- installation ----

install: install-tools install-ocf install-module

# Units, rules and scripts name the usual folders; installed ones the chosen.
relocate := sed -i -e 's|/usr/sbin|$(SBINDIR)|g' -e 's|/usr/lib/enbd/|$(LIBDIR)/|g'

units := $(wildcard systemd/*.service systemd/*.target systemd/*.socket)

install-tools: tools
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(UDEVDIR) \
		$(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 \
		$(DESTDIR)$(UNITDIR)/shutdown.target.wants $(DESTDIR)$(LIBDIR) $(DESTDIR)/etc/enbd
	$(INSTALL) -m 755 build/enbdctl build/enbd-server $(DESTDIR)$(SBINDIR)
	ln -sf enbdctl $(DESTDIR)$(SBINDIR)/enbd-client
	$(INSTALL) -m 644 udev/60-enbd.rules $(DESTDIR)$(UDEVDIR)
	$(INSTALL) -m 644 $(units) $(DESTDIR)$(UNITDIR)
	ln -sf ../enbd-hurry.service $(DESTDIR)$(UNITDIR)/shutdown.target.wants
	$(INSTALL) -m 755 systemd/going-down systemd/hurry systemd/stop-arrays $(DESTDIR)$(LIBDIR)
	$(relocate) $(DESTDIR)$(UDEVDIR)/60-enbd.rules $(DESTDIR)$(LIBDIR)/hurry \
		$(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(units)))
	test -e $(DESTDIR)/etc/enbd/enbd.conf || \
		$(INSTALL) -m 600 systemd/enbd.conf $(DESTDIR)/etc/enbd
	$(INSTALL) -m 644 $(wildcard Documentation/man/*.5) $(DESTDIR)$(MANDIR)/man5
	$(INSTALL) -m 644 $(wildcard Documentation/man/*.8) $(DESTDIR)$(MANDIR)/man8

# Pacemaker's agents, and what they share
install-ocf:
	$(INSTALL) -d $(DESTDIR)$(OCFDIR)/resource.d/enbd $(DESTDIR)$(OCFDIR)/lib/enbd
	$(INSTALL) -m 755 ocf/server ocf/client ocf/mirror $(DESTDIR)$(OCFDIR)/resource.d/enbd
	$(INSTALL) -m 644 $(wildcard ocf/lib/*) $(DESTDIR)$(OCFDIR)/lib/enbd
	$(relocate) $(DESTDIR)$(OCFDIR)/lib/enbd/common

install-module: module
	$(INSTALL) -d $(DESTDIR)$(MODDIR)
	$(INSTALL) -m 644 drivers/enbd/enbd.ko $(DESTDIR)$(MODDIR)
	$(if $(DESTDIR),,depmod -a $(KVER))

# What dkms needs of the tree, and nothing that a build left in it
dkms_files := Kbuild dkms.conf COPYING $(shell find drivers include \
	-name '*.[ch]' ! -name '*.mod.c' ! -name compat_have.h -o -name Kbuild -o -name '*.sh')

dkms-install:
	@command -v dkms >/dev/null || { echo "make: dkms is missing: apt install dkms" >&2; exit 1; }
	@for f in $(dkms_files); do \
		$(INSTALL) -D -m 644 $$f $(DESTDIR)$(SRCDIR)/enbd-$(VERSION)/$$f || exit 1; done
ifeq ($(DESTDIR),)
	@test -z "$$(dkms status -m enbd -v $(VERSION))" || dkms remove -m enbd -v $(VERSION) --all
	dkms add -m enbd -v $(VERSION)
	dkms build -m enbd -v $(VERSION) -k $(KVER)
	dkms install -m enbd -v $(VERSION) -k $(KVER)
endif

clean:
	rm -rf build
	find drivers -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o \
		-name '.*.cmd' -o -name '.*.d' -o -name compat_have.h -o -name modules.order | xargs -r rm -f
	rm -f Module.symvers modules.order .modules.order.cmd .Module.symvers.cmd
