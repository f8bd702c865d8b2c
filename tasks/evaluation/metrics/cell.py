"""The process in which a program of a model runs, apart from the machine. Standard library only: programs.py hands this
file's text to a Python of its own, with what is asked as JSON on standard input; the answer is JSON on standard output.

Three processes: this one puts itself into namespaces of its own (mounts, network, processes, IPC; and users, unless it
is root); its child is process 1 of them, so that when it ends the kernel ends all that was started within; whose child
is the program. The program sees a file system in memory with Python's own library in it, read-only, and one empty
folder; no network, no /proc, no environment, no other process; it has a user id that owns nothing, and limits.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 1 << 17, 1 << 27, 1 << 28, 1 << 29, 1 << 30
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000  # one number on all architectures; Linux 5.12
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CAPABILITIES_V3 = 0x20080522  # of capset(2)
STRANGER = 0x70000000  # user ids from here on, one a cell, own nothing; processes are counted by user id
NEEDED = ("/usr", "/lib", "/lib32", "/lib64", "/bin")  # what Python's own libraries are linked with

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> None:
    """Raise what the C library says of a call."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    checked(libc.mount(*encoded, flags, None if data is None else data.encode()), f"mount {target}")


def read_only(path: str) -> None:
    """A mount and all below it."""
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    result = libc.syscall(
        ctypes.c_long(SYS_MOUNT_SETATTR), AT_FDCWD, path.encode(), AT_RECURSIVE, ctypes.byref(attributes), size
    )
    checked(result, f"mount_setattr {path}")


def enter_namespaces() -> None:
    """Of one's own; who is not root needs one of users first, in which it is itself."""
    user, group = os.geteuid(), os.getegid()
    apart = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    checked(libc.unshare(apart | (CLONE_NEWUSER if user else 0)), "unshare")
    if user:
        Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="utf-8")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="utf-8")


def build_root(place: str, size: int) -> None:
    """A root of `size` bytes in memory at the folder `place`, with an empty folder /work in it; and go there."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},nr_inodes=4096,mode=0755")
    for name in dict.fromkeys((*NEEDED, sys.base_prefix)):
        path, inside = Path(name), Path(place + name)
        if name != sys.base_prefix and path.is_symlink():  # /lib -> usr/lib
            inside.symlink_to(path.readlink())
        elif path.is_dir() and not inside.exists():
            inside.mkdir(mode=0o755, parents=True)
            mount(name, str(inside), None, MS_BIND | MS_REC)
            read_only(str(inside))
    null, work = Path(place, "dev/null"), Path(place, "work")
    null.parent.mkdir()
    null.touch()
    mount("/dev/null", str(null), None, MS_BIND)
    work.mkdir()
    work.chmod(0o777)
    os.chroot(place)
    os.chdir("/work")


def give_up_rights(stranger: int) -> None:
    """For good: no capability, and no program that would give one back."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(stranger, stranger, stranger)
        os.setresuid(stranger, stranger, stranger)
    checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    header, none = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0), (ctypes.c_uint32 * 6)()
    checked(libc.capset(ctypes.byref(header), ctypes.byref(none)), "capset")


def limit(limits: dict[str, int]) -> None:
    """CPU seconds, bytes and numbers, of each process."""
    seconds = limits["cpu"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU, and a second later SIGKILL
    for what, most in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_FSIZE, limits["file"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def run(program: str, token: str, out: int) -> None:
    """Run the program; the token goes to `out` if it comes to its end, else the exception that ended it. A process that
    it forked comes here as well, and says nothing."""
    said, own = token, os.getpid()
    try:
        exec(compile(program, "program", "exec"), {"__name__": "__main__"})
    except BaseException as error:  # noqa: BLE001  whatever a program raises, SystemExit too
        said = type(error).__name__
    if os.getpid() == own:
        os.write(out, said.encode()[:1000])
    os._exit(0)


def program_process(asked: dict, out: int, stranger: int) -> None:
    """Never returns."""
    os.setsid()
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.dup2(out, 3)
    os.closerange(4, 1 << 16)
    os.environ.clear()
    give_up_rights(stranger)
    limit(asked["limits"])
    import random

    random.seed(0)
    program, token = asked.pop("program"), asked.pop("token")
    run(program, token, 3)


def first_process(asked: dict, stranger: int) -> None:
    """Process 1: start the program, reap what dies, and tell how the program ended. Never returns."""
    checked(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        program_process(asked, writing, stranger)
    os.close(writing)
    died, status, used = os.wait4(-1, 0)
    while died != child:
        died, status, used = os.wait4(-1, 0)
    os.set_blocking(reading, False)
    try:
        said = os.read(reading, 1000).decode(errors="replace")
    except BlockingIOError:  # a process that it left behind holds the pipe
        said = ""
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    spent = killed == signal.SIGXCPU or (killed and used.ru_utime + used.ru_stime >= asked["limits"]["cpu"])
    print(json.dumps({"passed": said == asked["token"], "said": said, "signal": killed, "spent": spent}), flush=True)
    os._exit(0)


def main() -> None:
    asked = json.load(sys.stdin)
    try:
        enter_namespaces()
        build_root(asked["place"], asked["limits"]["disk"])
    except OSError as error:
        print(json.dumps({"refused": str(error)}), flush=True)
        return
    stranger = STRANGER + os.getpid()
    child = os.fork()
    if child == 0:
        first_process(asked, stranger)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
