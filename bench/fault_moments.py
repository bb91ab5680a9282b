"""The moments at which `bench.faults` kills: before one of the calls by which a program changes what others see.

A small library that is loaded before the C library counts the calls that write, flush, cut, rename, link, remove or
send, and kills the process before the chosen one. So kills fall on every step of a change, however busy the machine is.
Made with the C compiler of the machine; without one, moments are times.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["count_calls", "kill_before_call", "load_library"]

_SOURCE: Final = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>
static volatile long calls = 0, at = -1;
void hexbeat_kill_at(long number) { calls = 0; at = number; }
long hexbeat_calls(void) { return calls; }
static void step(void) { if (__sync_add_and_fetch(&calls, 1) == at) kill(getpid(), SIGKILL); }
#define WRAP(type, name, takes, gives) \\
    type name takes { static type (*real) takes; if (!real) real = dlsym(RTLD_NEXT, #name); step(); return real gives; }
WRAP(ssize_t, write, (int f, const void *b, size_t n), (f, b, n))
WRAP(ssize_t, pwrite, (int f, const void *b, size_t n, off_t o), (f, b, n, o))
WRAP(ssize_t, pwrite64, (int f, const void *b, size_t n, off64_t o), (f, b, n, o))
WRAP(ssize_t, writev, (int f, const struct iovec *v, int n), (f, v, n))
WRAP(ssize_t, send, (int f, const void *b, size_t n, int g), (f, b, n, g))
WRAP(int, fsync, (int f), (f))
WRAP(int, fdatasync, (int f), (f))
WRAP(int, ftruncate, (int f, off_t n), (f, n))
WRAP(int, ftruncate64, (int f, off64_t n), (f, n))
WRAP(int, rename, (const char *a, const char *b), (a, b))
WRAP(int, renameat2, (int d, const char *a, int e, const char *b, unsigned int g), (d, a, e, b, g))
WRAP(int, link, (const char *a, const char *b), (a, b))
WRAP(int, linkat, (int d, const char *a, int e, const char *b, int g), (d, a, e, b, g))
WRAP(int, unlink, (const char *a), (a))
WRAP(int, unlinkat, (int d, const char *a, int g), (d, a, g))
WRAP(int, mkdir, (const char *a, mode_t m), (a, m))
WRAP(int, rmdir, (const char *a), (a))
"""
_NAME: Final = "HEXBEAT_BENCH_LIBRARY"


def load_library(folder: Path) -> None:
    """Start this program again with the library before all others, if there is a compiler for it. It may not return."""
    if os.environ.pop(_NAME, None):
        os.environ.pop("LD_PRELOAD", None)  # what this program starts needs it no more
        return
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        return
    library = folder / "moments.so"
    (folder / "moments.c").write_text(_SOURCE, encoding="ascii")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(folder / "moments.c"), "-ldl"]
    if subprocess.run(command, check=False, capture_output=True).returncode == 0:  # noqa: S603 - the machine's compiler
        environment = {**os.environ, "LD_PRELOAD": str(library), _NAME: "1"}
        os.execve(sys.executable, sys.orig_argv, environment)  # noqa: S606 - this program again


def kill_before_call(number: int) -> bool:
    """Kill this process before its call of that number from now on (-1: count only); False without the library."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "hexbeat_kill_at"):
        return False
    library.hexbeat_kill_at(ctypes.c_long(number))
    return True


def count_calls() -> int:
    """The calls since `kill_before_call`."""
    function = ctypes.CDLL(None).hexbeat_calls
    function.restype = ctypes.c_long
    return int(function())
