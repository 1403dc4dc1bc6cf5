"""What the command line tells a person and exits with.

OrchestratorError           1
├── InputError              2   a file, option or expression that cannot be used
├── ImpossibleHereError     3   nothing wrong with it, but no present slot can do it
└── DatabaseError           4   the store cannot be reached, read or written
"""

from typing import ClassVar


class OrchestratorError(Exception):
    """Something a person can do something about.

    Attributes:
        message: What is wrong, with the values that are wrong; may have several lines.
        hint: One sentence on what to do, or empty.
        exit_code: Of the command that ends with it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class InputError(OrchestratorError):
    """A file, option or expression that cannot be used; nothing was written."""

    exit_code = 2


class ImpossibleHereError(OrchestratorError):
    """What was asked for needs slots that are not here."""

    exit_code = 3


class DatabaseError(OrchestratorError):
    """The store cannot be reached, read or written."""

    exit_code = 4
