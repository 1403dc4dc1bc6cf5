"""Files that are whole or absent, whatever dies while they are written."""

import hashlib
import os

_READ_BYTES = 1 << 20


def write_durably(path: str, content: bytes) -> str:
    """Write a file so that after any crash its old or its new content is there, never a part.

    The content is on the disk when this returns: temporary file in the same directory, fsync, rename, fsync of the
    directory.

    Returns:
        SHA-256 of the content, hexadecimal.

    Raises:
        OSError: The disk is full or the directory cannot be written; the old content stands.
    """
    temporary = f"{path}.tmp-{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        _remove(temporary)
        raise
    _sync_directory(os.path.dirname(os.path.abspath(path)))
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: str) -> str:
    """Return the SHA-256 of a file, hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(_READ_BYTES), b""):
            digest.update(piece)
    return digest.hexdigest()


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.remove(path)


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
