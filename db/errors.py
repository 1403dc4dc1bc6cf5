"""What can go wrong with the store, in one tree.

    StoreError
    ├── InvalidUrlError              the database URL cannot be used
    ├── DatabaseUnavailableError     no server, no file, no permission
    │   ├── DatabaseMissingError     nothing was ever stored there
    │   ├── DatabaseBusyError        someone else holds the lock for too long
    │   └── DatabaseReplacedError    the file was deleted or exchanged under us
    ├── NetworkFileSystemError       SQLite is not safe there
    ├── DatabaseDamagedError         the file is not a sound SQLite database
    ├── ForeignDatabaseError         a database of some other program
    ├── SchemaVersionError           written by another release
    ├── SweepHeldError               another driver runs this sweep
    ├── DriverEndedError             this driver was declared dead by its successor
    ├── UnknownNameError             no sweep or job of that name
    ├── FilterError                  a FILTER that cannot be understood
    ├── ComparisonError              fronts that cannot be compared as asked
    ├── PublishedFileError           a file of published results that cannot be read
    ├── BundleError                  a bundle that cannot be written, read, or brought in as asked
    └── UserQueryError               a user's SQL statement that was refused or failed

No message holds a password.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.records import DriverRow


class StoreError(Exception):
    """Base of every error of the store.

    Attributes:
        message: What happened, with the offending values.
        hint: One sentence of remedy; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class InvalidUrlError(StoreError):
    """The database URL is malformed or names a database that is not supported."""


class DatabaseUnavailableError(StoreError):
    """The database cannot be reached now; the same call may succeed later."""


class DatabaseMissingError(DatabaseUnavailableError):
    """There is no database at the URL."""


class DatabaseBusyError(DatabaseUnavailableError):
    """Someone else held the database's lock for longer than the busy timeout."""


class DatabaseReplacedError(DatabaseUnavailableError):
    """The database file was deleted or replaced since it was opened."""


class NetworkFileSystemError(StoreError):
    """SQLite may silently corrupt its file on this file system."""


class DatabaseDamagedError(StoreError):
    """The file is not a database or fails its own integrity check."""


class ForeignDatabaseError(StoreError):
    """The file belongs to another program."""


class SchemaVersionError(StoreError):
    """The schema is newer than this program, or older where it may not be upgraded unasked."""


class SweepHeldError(StoreError):
    """Another driver that has not ended holds the sweep.

    Attributes:
        holder: That driver.
    """

    def __init__(self, message: str, hint: str, holder: "DriverRow") -> None:
        super().__init__(message, hint)
        self.args = (message, hint, holder)
        self.holder = holder


class DriverEndedError(StoreError):
    """The driver was declared dead by another one and may write nothing any more."""


class UnknownNameError(StoreError):
    """No sweep, job or environment has this name, or a shortened one fits several."""


class FilterError(StoreError):
    """A FILTER cannot be understood.

    Attributes:
        position: Index of the offending character, from 0.
    """

    def __init__(self, message: str, hint: str, position: int) -> None:
        super().__init__(message, hint)
        self.args = (message, hint, position)
        self.position = position


class ComparisonError(StoreError):
    """The two sides lie on several devices or data sets, so one speed-up would mix them; or there is no other side."""


class PublishedFileError(StoreError):
    """A file of published results lacks a column or holds a value that cannot be read."""


class BundleError(StoreError):
    """A bundle cannot be written there, is damaged or too new, or does not fit what the database holds."""


class UserQueryError(StoreError):
    """A user's statement was refused, took too long, or is not valid SQL."""
