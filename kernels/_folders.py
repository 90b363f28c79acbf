"""Where compiled kernels are kept: which folders are read and which is written, and what is old.

A folder is named after the state of the sources, the CPU and the width of its vectors: what other
machines share the disk keep theirs beside it. It has a file for each version of a kernel, which is
written under another name first: a reader sees all of a file or none of it.
"""

import contextlib
import functools
import hashlib
import operator
import os
import pathlib
import sys
import tempfile
import time

import llvmlite
import numba
from llvmlite import binding
from numba import config

from .blocking import BITS

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_KERNELS = pathlib.Path(__file__).resolve().parent
_PREFIX, _TEMPORARY = "kernels-", ".part"
_HOUR = 3600  # no file takes so long to be written


def sources():
    """Return the files of the kernels, relative to their folder, in order.

    Of two levels: a walk would list the cache, too, thousands of files in 30 ms. By names, where
    pathlib's patterns take 2 ms.
    """
    found = []
    for name in os.listdir(_KERNELS):
        if name.endswith(".py"):
            found.append(name)
        elif "." not in name and not name.startswith("_"):  # a room
            inside = os.listdir(_KERNELS / name)
            found += [f"{name}/{file}" for file in inside if file.endswith(".py")]
    return sorted(found)


def _stamp():
    """Return a hash of all that kernels are made of, but for the machine.

    Numba looks at the file alone that a kernel stands in: after an edit to an imported helper the
    cached caller would keep its old machine code.
    """
    made_with = sys.implementation.cache_tag, numba.__version__, llvmlite.__version__
    digest = hashlib.sha256(" ".join(made_with).encode())
    for name in sources():
        digest.update(name.encode())
        with open(f"{_KERNELS}/{name}", "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def _state():
    """Return when each of the sources was written, which tells that one was edited since."""
    return [(name, os.stat(f"{_KERNELS}/{name}").st_mtime_ns) for name in sources()]


_looked_at = []  # what was imported when no source had been edited


def edited():
    """Tell whether the sources are others than those that the folder is named after.

    A file may be imported long after the stamp was made: of an edited one nothing may be kept. So
    they are looked at again where one was imported since, or imported anew: for each of the 1,661
    functions of a warm-up it took a second.
    """
    modules = list(sys.modules.items())  # another thread may import
    ours = [module.__spec__ for name, module in modules if name.startswith("fastnet.kernels.")]
    if len(ours) == len(_looked_at) and all(map(operator.is_, ours, _looked_at)):
        return False
    if _state() != _STATE:
        return True
    _looked_at[:] = ours
    return False


def _roots():
    """Return what may have our folders: NUMBA_CACHE_DIR, beside the sources, the user's cache."""
    user = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    given = [pathlib.Path(config.CACHE_DIR).absolute() / "fastnet"] if config.CACHE_DIR else []
    return [*given, _KERNELS / "__pycache__", user / "fastnet"]


def _machine():
    """Return the name of the CPU that Numba compiles for, fit for a file, and the vectors' bits."""
    cpu = config.CPU_NAME or binding.get_host_cpu_name()
    return f"{''.join(c if c.isalnum() else '_' for c in cpu)}-{BITS}"


_STATE = _state()
STAMP = _stamp()
ROOTS = _roots()
NAME = f"{_PREFIX}{STAMP}-{_machine()}"


@functools.cache
def written():
    """Return the folder that kernels are written to, the first that can be; None without one."""
    for root in ROOTS:
        folder = root / NAME
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
    return None


def read():
    """Yield the folders that kernels are read from: all, in order.

    NUMBA_CACHE_DIR takes the place of the others, unless it cannot be written: that of a container
    image, say, to whose kernels a user adds some.
    """
    first, *others = (root / NAME for root in ROOTS)
    yield first
    if not config.CACHE_DIR or written() != first:
        yield from others


def write(folder, name, *parts):
    """Write a file at once; OSError where that cannot be, with nothing left behind."""
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    temporary, file = _begin(folder, name)
    try:
        with file:
            for part in parts:
                file.write(part)
            file.flush()
            if fcntl:  # locked until it has its name
                os.replace(temporary, folder / name)
        if not fcntl:  # Windows renames no open file
            os.replace(temporary, folder / name)
    except BaseException:  # Ctrl-C, too
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _begin(folder, name):
    """Make a file, and lock it, so that others know that its writer lives."""
    while True:
        temporary = folder / f"{name}.{os.urandom(6).hex()}{_TEMPORARY}"
        file = open(temporary, "xb")
        with contextlib.suppress(AttributeError, OSError):  # Windows; a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if temporary.exists():
            return temporary, file
        file.close()  # somebody took it for abandoned, before it was locked


@functools.cache
def _remove_abandoned(folder):
    """Remove what killed processes were writing; once in a process, before it writes itself."""
    remove(folder.glob(f"*{_TEMPORARY}"))


def remove(paths):
    """Remove files, but those that are being written; return how many, and their bytes."""
    count = size = 0
    for path in paths:
        with contextlib.suppress(OSError):
            bytes_of = path.stat().st_size
            _unlink(path)
            count, size = count + 1, size + bytes_of
    return count, size


def _unlink(path):
    """Remove a file; OSError where its writer lives, who holds a lock on it."""
    if path.suffix == _TEMPORARY:
        try:
            with open(path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return path.unlink()  # while nobody else can lock it
        except BlockingIOError:
            raise
        except (AttributeError, OSError):  # Windows; a file system without locks
            if time.time() - path.stat().st_mtime < _HOUR:
                raise BlockingIOError from None
    path.unlink()


def _ours(root):
    """Return all of our folders below a root; none where it cannot be read."""
    with contextlib.suppress(OSError):
        return [path for path in root.glob(f"{_PREFIX}*") if path.is_dir()]
    return []


def clean():
    """Remove kernels of other sources, Pythons and Numbas, and what killed processes left.

    Those of this fastnet for other CPUs and widths stay. Returns the number of files, and bytes.
    """
    removed = []
    for root in ROOTS:
        with contextlib.suppress(OSError):  # before there were folders: Numba's index and data
            removed.append(remove([*root.glob("*.nbi*"), *root.glob("*.nbc*")]))
        for folder in _ours(root):
            old = not folder.name.startswith(f"{_PREFIX}{STAMP}-")
            removed.append(remove(folder.glob("*" if old else f"*{_TEMPORARY}")))
            with contextlib.suppress(OSError):  # not empty: somebody writes, or it is in use
                if old:
                    folder.rmdir()
    return sum(count for count, _ in removed), sum(size for _, size in removed)


def sizes():
    """Return how many files a process here may load, their bytes, and the bytes of all others."""
    here = others = count = 0
    for root in ROOTS:
        for folder in _ours(root):
            for path in folder.glob("*"):
                with contextlib.suppress(OSError):
                    size = path.stat().st_size
                    if folder.name == NAME:
                        count, here = count + 1, here + size
                    else:
                        others += size
    return count, here, others
