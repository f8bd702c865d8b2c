"""Where compiled kernels are kept: <cache>/numba-<hash of all kernel sources>.

numba keeps a file per function and looks at that function's own source only: a changed kernel that another
imports would go unnoticed, hence the hash of all of them in the folder's name. The folder is shared by all
processes; numba writes its files whole (temporary, rename), so several may compile at once.
On a cluster the compiled functions travel in the zip that executors import from, below tasks/kernels/compiled:

    python -m tasks.kernels.cache ZIP     # compile what is not compiled yet, and add it to the zip

<cache> is $MILLRACE_CACHE, else $XDG_CACHE_HOME/millrace, else ~/.cache/millrace; where that can not be
written, or other users write too, a temporary folder of the process's own.
"""

import hashlib
import importlib
import os
import stat
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

SHAPES_NO_BYTES = True
COMPILED = "compiled"
OF_ONE = "millrace-kernels-"  # how the temporary folder of one process is called


def sources(package: str) -> dict[str, bytes]:
    """File name -> bytes of the package's modules, in the names' order (a zip's too, as Spark's executors have)."""
    modules = {entry.name: entry.read_bytes() for entry in files(package).iterdir() if entry.name.endswith(".py")}
    return dict(sorted(modules.items()))


def fingerprint(modules: dict[str, bytes]) -> str:
    """16 hex digits of the names and bytes of all modules."""
    digest = hashlib.sha256()
    for name, content in modules.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def root() -> Path:
    """The folder for what can be made again; made if absent."""
    configured = os.environ.get("MILLRACE_CACHE")
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = Path(configured) if configured else base / "millrace"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            if ours(folder):
                return folder.resolve()
            print(
                f"{folder} can be written by other users, and compiled kernels are code: they are not kept there; "
                f"take the right away (chmod o-w), or set MILLRACE_CACHE to a folder of your own",
                file=sys.stderr,
            )
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        pass  # said in the docstring: such a process compiles for itself
    return Path(tempfile.mkdtemp(prefix=OF_ONE))


def shared() -> bool:
    """Whether other processes find what this one compiles."""
    return not Path(os.environ["NUMBA_CACHE_DIR"]).parent.name.startswith(OF_ONE)


def ours(folder: Path) -> bool:
    """Whether nobody but us and root can put files there: numba unpickles what it finds in its cache."""
    status = folder.stat()
    return status.st_uid in (os.getuid(), 0) and not status.st_mode & stat.S_IWOTH


def prepare(package: str, path: Iterable[str]) -> list[str]:
    """Point numba's cache at our folder; answer the package's __path__.

    numba does not cache into a given folder for modules inside a zip, so those are unpacked beside the cache.
    """
    modules = sources(package)
    mark = fingerprint(modules)
    folder = root()
    compiled_here = folder / f"numba-{mark}"
    os.environ["NUMBA_CACHE_DIR"] = str(compiled_here)
    _announce(compiled_here)
    if "numba" in sys.modules:  # it read the environment when it was imported
        sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]
    if all(Path(part).is_dir() for part in path):
        return list(path)
    unpacked = folder / f"kernels-{mark}"
    for name, content in modules.items():
        _place(unpacked / name, content)
    # numba names the folder of a module's functions by the module's place, which is the executor's own.
    place = f"{unpacked.name}_{hashlib.sha1(str(unpacked).encode()).hexdigest()}"
    compiled = files(package) / COMPILED
    for entry in compiled.iterdir() if compiled.is_dir() else ():
        _place(folder / f"numba-{mark}" / place / entry.name, entry.read_bytes())
    return [str(unpacked)]


def _announce(folder: Path) -> None:
    """Make the folder, and say once, in the process that made it, what the first use waits for."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    print(
        f"compiling kernels, once: each takes seconds when it is first used, and is kept in {folder}", file=sys.stderr
    )


def _place(path: Path, content: bytes) -> None:
    """A file that appears whole, unless it is there."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)


def add_compiled(archive: Path) -> None:
    """Compile every kernel, as many modules side by side as there are cores, and add the files to the zip."""
    from tasks.kernels.ahead import Ahead, graph

    package = __package__ or "tasks.kernels"
    ahead = Ahead(len(os.sched_getaffinity(0)), lambda done, total, seconds: None)
    ahead.want(graph())
    ahead.wait(graph())
    for name in (*ahead.failed, *(graph() if not shared() else ())):
        importlib.import_module(f"{package}.{name}")  # says what is wrong with it
    folder = Path(str(files(package)))
    place = f"{folder.name}_{hashlib.sha1(str(folder).encode()).hexdigest()}"
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file:
        for path in sorted((Path(os.environ["NUMBA_CACHE_DIR"]) / place).glob("*.nb[ic]")):
            file.write(path, f"{package.replace('.', '/')}/{COMPILED}/{path.name}")


if __name__ == "__main__":
    add_compiled(Path(sys.argv[1]))
