# SPDX-License-Identifier: GPL-2.0
"""The two kinds of machine that a guest runs on: User Mode Linux and QEMU."""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
# A kernel that boots under this accelerator says so within this many seconds.
PROBE_SECONDS = 8


def run_directory_parent():
    """Where temporary directories go: a path without spaces, for command lines."""
    parent = tempfile.gettempdir()
    return "/tmp" if " " in parent else parent


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def memory_directory(mib):
    """A directory whose file can be a UML guest's memory: room and no noexec.
    /dev/shm of a container is often too small."""
    need = (mib + 64) << 20
    for path in ("/dev/shm", os.environ.get("TMPDIR", "/tmp"), "/tmp", "/var/tmp"):
        try:
            stat = os.statvfs(path)
        except OSError:
            continue
        if (stat.f_bavail * stat.f_frsize >= need and not stat.f_flag & os.ST_NOEXEC
                and os.access(path, os.W_OK)):
            return path
    return "/tmp"


def make_initrd(run, early_dir, busybox, modules=()):
    """An initramfs of busybox, guest-early and modules, in insmod's order."""
    root = os.path.join(run, "early")
    os.makedirs(os.path.join(root, "bin"))
    os.makedirs(os.path.join(root, "modules"))
    shutil.copy(busybox, os.path.join(root, "bin", "busybox"))
    shutil.copy(early_dir, os.path.join(root, "init"))
    with open(os.path.join(root, "modules", "order"), "w") as order:
        for module in modules:
            shutil.copy(module, os.path.join(root, "modules"))
            order.write(os.path.basename(module) + "\n")
    initrd = os.path.join(run, "initrd")
    names = "\n".join(sorted(
        os.path.relpath(os.path.join(d, n), root)
        for d, dirs, files in os.walk(root) for n in dirs + files))
    with open(initrd, "wb") as f:
        subprocess.run([shutil.which("cpio") or "/bin/cpio", "-o", "-H", "newc", "--quiet"],
                       input=names.encode(), stdout=f, cwd=root, check=True)
    shutil.rmtree(root)
    return initrd


def _spawn(argv, fds, log, env=None):
    with open(log, "ab") as output:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                pass_fds=fds, env=env, start_new_session=True,
                                preexec_fn=_die_with_parent)


def stop(guest):
    """Kills the guest's processes and waits for them to be gone."""
    try:
        os.killpg(guest.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    guest.wait()


def _early(args):
    return os.path.join(args.tree, "tests", "vm", "guest-early")


def start_uml(args, run, ports):
    klog = os.open(os.path.join(run, "klog"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    argv = [os.path.join(args.kernel_dir, "linux"), "seccomp=on", "mem=%dM" % args.mem,
            "ncpus=%d" % (args.cpus or 1), "initrd=" + make_initrd(run, _early(args), args.early),
            "uml_dir=" + run, "umid=guest", "con=null", "con0=null,fd:%d" % klog,
            "ssl0=null,fd:%d" % ports["out"], "ssl1=null,fd:%d" % ports["err"],
            "ssl2=null,fd:%d" % ports["ctl"], "ssl=null",
            "quiet", "panic=-1", "printk.devkmsg=on", "printk.time=1",
            "vmroot=hostfs", "vmrun=" + run]
    if args.kernel == "uml-debug":
        # Without the per-CPU caches, whose stale pointers hide leaks from kmemleak.
        argv.append("slab_debug=F")
    env = dict(os.environ, TMPDIR=memory_directory(args.mem))
    guest = _spawn(argv, (klog, *ports.values()), os.path.join(run, "machine.log"), env)
    os.close(klog)
    return guest


def _qemu(kernel, initrd, accel, mem, cpus, append, klog):
    return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", "-accel", accel, "-cpu", "host" if accel == "kvm" else "max",
            "-m", str(mem), "-smp", str(cpus), "-serial", "file:" + klog,
            "-kernel", kernel, "-initrd", initrd,
            "-append", "console=ttyS0 panic=-1 quiet mitigations=off " + append]


def kvm_boots(args, initrd, run):
    """Whether KVM really boots a kernel: nested virtualisation may offer
    /dev/kvm and never run a stock kernel. Tried once per boot of the host."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with open("/proc/sys/kernel/random/boot_id") as f:
        answer = os.path.join(args.cache, "kvm-" + f.read().strip())
    try:
        with open(answer) as f:
            return f.read() == "yes"
    except OSError:
        pass
    log = os.path.join(run, "probe")
    argv = _qemu(os.path.join(args.kernel_dir, "vmlinuz"), initrd, "kvm", 512, 1,
                 "vmroot=probe", log)
    probe = _spawn(argv, (), os.path.join(run, "machine.log"))
    try:
        probe.wait(PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    stop(probe)
    works = False
    if os.path.exists(log):
        with open(log, errors="replace") as f:
            works = "enbd-vm: probe ok" in f.read()
    temporary = answer + ".%d" % os.getpid()
    with open(temporary, "w") as f:
        f.write("yes" if works else "no")
    os.rename(temporary, answer)
    return works


def start_qemu(args, run, out, ports):
    with open(os.path.join(args.kernel_dir, "early-modules")) as f:
        modules = [os.path.join(args.kernel_dir, line.strip()) for line in f]
    initrd = make_initrd(run, _early(args), args.early, modules)
    accel = "kvm" if kvm_boots(args, initrd, run) else "tcg,thread=multi"
    argv = _qemu(os.path.join(args.kernel_dir, "vmlinuz"), initrd, accel, args.mem,
                 args.cpus or 2, "printk.devkmsg=on vmroot=9p vmrun=" + run,
                 os.path.join(run, "klog"))
    for tag, path, readonly in (("hostroot", "/", ",readonly=on"), ("out", out, "")):
        argv += ["-fsdev", "local,id=%s,path=%s,security_model=none,multidevs=remap%s"
                 % (tag, path.replace(",", ",,"), readonly),
                 "-device", "virtio-9p-pci,fsdev=%s,mount_tag=%s" % (tag, tag)]
    argv += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]
    for name, fd in ports.items():
        argv += ["-chardev", "file,id=%s,path=/proc/self/fd/%d" % (name, fd),
                 "-device", "virtserialport,chardev=%s,name=%s" % (name, name)]
    return _spawn(argv, tuple(ports.values()), os.path.join(run, "machine.log"))


def start(args, run, out, ports):
    """Starts the guest. `ports`: name to descriptor of its three outputs."""
    if args.kernel.startswith("uml"):
        return start_uml(args, run, ports)
    return start_qemu(args, run, out, ports)
