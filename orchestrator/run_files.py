"""Where a run's files lie: one object that knows every path.

<home>/jobs/<fingerprint>/a<attempt>/   an attempt's own directory: checkpoints, log.txt, report.json
<home>/logs/<slot>.log                  what a slot's worker process printed outside any attempt
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.protocol.orders import FINAL_REPORTS, REPORT_FILE, RESUME_FILE, report_from_json

if TYPE_CHECKING:
    from pathlib import Path

    from workers.protocol.orders import Diverged, Failed, Finished


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of all sweeps of one database.

    Attributes:
        home: Directory of them all; absolute, and on a cluster the same on every machine.
    """

    home: Path

    def attempt_directory(self, fingerprint: str, attempt: int) -> Path:
        """Return the directory that only this attempt writes to."""
        return self.home / "jobs" / fingerprint / f"a{attempt}"

    def attempt_directory_template(self, fingerprint: str) -> str:
        """Return ``attempt_directory`` with ``{attempt}`` in the place of the number."""
        return str(self.home / "jobs" / fingerprint / "a{attempt}")

    def resume_point(self, fingerprint: str, attempt: int) -> str | None:
        """Return the directory of the newest earlier attempt that a training can go on from, or None."""
        for number in range(attempt - 1, 0, -1):
            directory = self.attempt_directory(fingerprint, number)
            if (directory / RESUME_FILE).exists():
                return str(directory)
        return None

    def unread_report(self, fingerprint: str, attempt: int) -> Finished | Diverged | Failed | None:
        """Return the report that ended an attempt, as the worker left it on disk, or None if it left none.

        A file that is no report is no news either: the worker writes the whole file or nothing.
        """
        try:
            report = report_from_json((self.attempt_directory(fingerprint, attempt) / REPORT_FILE).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return report if isinstance(report, FINAL_REPORTS) else None
