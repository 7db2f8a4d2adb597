"""Packed files (.gz, .zst) as streams, standard input as a file that can be read twice, and what a bomb may unpack to."""

import gzip
import io
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any

from classifier.documents.rows import Input
from classifier.errors import ClassifierError

PACKED = (".gz", ".zst")
# A file may unpack to this many bytes, and to more only as far as it is not packed tighter than any honest text.
FLOOR = 1 << 30
TIGHTEST = 250


def zstd(name: str) -> Any:
    """The module for .zst: the standard library's from Python 3.14, before that its backport. Raises `ClassifierError` without it."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd as module
        else:
            from backports import zstd as module
    except ImportError as error:
        raise ClassifierError(f'{name}: .zst needs an extra: pip install -e ".[zst]" (in its folder)') from error
    return module


def open_packed(path: Path) -> IO[bytes]:
    """A file for reading, unpacked by its suffix. Reading raises `ClassifierError` where it unpacks to more than it may."""
    suffix = path.suffix.lower()
    if suffix not in PACKED:
        return path.open("rb")
    if suffix == ".gz":
        return io.BufferedReader(_Bounded(gzip.open(path), path, ()))
    module = zstd(str(path))
    return io.BufferedReader(_Bounded(module.open(path), path, (module.ZstdError,)))


class _Bounded(io.RawIOBase):
    """A stream that ends in an error before it fills the disk or the day."""

    def __init__(self, file: Any, path: Path, damaged: tuple[type[BaseException], ...]) -> None:
        self.file, self.path, self.damaged = file, path, damaged
        self.left = allowed(path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            n: int = self.file.readinto(buffer)
        except self.damaged as error:
            raise ClassifierError(f"{self.path}: cannot be unpacked, the file is damaged: {error}") from error
        self.left -= n
        if self.left < 0:
            raise ClassifierError(f"{self.path}: unpacks to more than {TIGHTEST} times its size; if it is honest, unpack it first")
        return n

    def close(self) -> None:
        self.file.close()
        super().close()


def allowed(size: int) -> int:
    """The bytes that a packed file of this size may unpack to."""
    return max(FLOOR, TIGHTEST * size)


def check_workbook(file: IO[bytes], name: str) -> None:
    """Raises `ClassifierError` for a workbook that unpacks to more than it may; zipfile holds a member to its stated size."""
    with zipfile.ZipFile(file) as archive:
        stated = sum(member.file_size for member in archive.infolist())
        packed = sum(member.compress_size for member in archive.infolist())
    if stated > allowed(packed):
        raise ClassifierError(f"{name}: unpacks to more than {TIGHTEST} times its size; not opened")


def pack(part: Path, out: Path, packing: str) -> None:
    """A packed copy of a file; the same bytes give the same file."""
    with part.open("rb") as plain, out.open("wb") as raw:
        if packing == ".gz":
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                shutil.copyfileobj(plain, packed)
        else:
            with zstd(str(out)).ZstdFile(raw, "wb") as packed:
                shutil.copyfileobj(plain, packed)


def standard_input() -> Input:
    """Standard input in a file without a name, which is gone when the process is. Raises `ClassifierError` where it is empty."""
    name = "standard input"
    spool = tempfile.TemporaryFile(prefix="innovasjon-")  # noqa: SIM115  # lives as long as the input is read
    blank = True
    while data := sys.stdin.buffer.read(1 << 20):
        spool.write(data)
        blank = blank and not data.strip()
    if blank:
        raise ClassifierError(f"{name}: is empty")
    spool.flush()

    def again() -> IO[bytes]:
        spool.seek(0)
        return os.fdopen(os.dup(spool.fileno()), "rb")

    return Input(name, again)
