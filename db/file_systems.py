"""Which file systems SQLite must not be used on.

Its locks are unreliable where several machines share a file, and the damage is silent.

Source:
    https://www.sqlite.org/howtocorrupt.html, section 2.1; magic numbers from ``statfs(2)``.
"""

import ctypes
import sys
from pathlib import Path

from db.errors import NetworkFileSystemError

_SHARED = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB2",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x65735546: "FUSE",
    0x00C36400: "Ceph",
    0x01021997: "9p",
    0x5346414F: "AFS",
    0x19830326: "BeeGFS",
}


def refuse_shared_file_system(database: Path) -> None:
    """Check where a database file lies or would lie.

    Raises:
        NetworkFileSystemError: On a file system that several machines share.
    """
    kind = _SHARED.get(file_system_magic(_existing(database)) or 0)
    if kind is not None:
        raise NetworkFileSystemError(
            f"{database} is on {kind}: SQLite can silently corrupt its file there; nothing was written",
            "Put the file on a local disk (one machine), or use postgresql://user@host/database (several machines).",
        )


def file_system_magic(path: Path) -> int | None:
    """Return the kernel's number for the file system that holds an existing path; None where it cannot be asked."""
    if not sys.platform.startswith("linux"):
        return None
    buffer = ctypes.create_string_buffer(256)  # struct statfs, whose first word is f_type
    if ctypes.CDLL(None, use_errno=True).statfs(str(path).encode(), buffer) != 0:
        return None
    return ctypes.c_long.from_buffer(buffer).value & 0xFFFFFFFF


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
