"""PopTorch's exceptions. As there, their details are attributes of the class, set before an instance is raised."""

from typing import Optional


class Error(Exception):
    type: Optional[str] = None
    message: Optional[str] = None
    location: Optional[str] = None


class RecoverableError(Error):
    recovery_action: Optional[str] = None


class UnrecoverableError(Error):
    pass


def createPoptorchError(msg):
    """Return the error that the Python half of PopTorch raises."""
    kind = "poptorch_py_error"
    error = Error(f"'{kind}': {msg}")
    error.type = kind
    error.message = msg
    error.location = ""
    return error


def compiler_error(message: str, kind: str = "poptorch_cpp_error", location: str = "Compiler.cpp") -> Error:
    """Return the error that the C++ half raises."""
    return _of_class(Error, message, kind, location)


def recoverable(action: str) -> RecoverableError:
    RecoverableError.recovery_action = action
    message = f"Recoverable hardware error, the device needs {action}"
    return _of_class(RecoverableError, message, "poplar_recoverable_runtime_error", "Executable::run")


def unrecoverable() -> UnrecoverableError:
    message = "Unrecoverable hardware error: parity error of an exchange block"
    return _of_class(UnrecoverableError, message, "poplar_unrecoverable_runtime_error", "Executable::run")


def _of_class(cls: type, message: str, kind: str, location: str):
    cls.type, cls.message, cls.location = kind, message, location
    return cls(f"In {location}: '{kind}': {message}")
