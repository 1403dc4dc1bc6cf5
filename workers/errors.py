"""What can go wrong with a job for a reason of its own, each with its class of failure.

JobError
├── DataError          images missing or damaged
├── CheckpointError    weights missing, damaged or of another network
├── DeviceError        the device refuses or broke
└── DivergedError      the loss became NaN or infinite: a final answer, not a failure

Anything else that is raised is a fault of the program or a library (class ``error``).
"""


class JobError(Exception):
    """A job cannot be done; the message says why, and what to do about it."""

    #: One of ``workers.protocol.orders.FAILURE_CLASSES``.
    failure = "error"


class DataError(JobError):
    """Images are missing, damaged or not what the job describes."""

    failure = "data"


class CheckpointError(JobError):
    """Weights are missing, damaged, or belong to another network."""

    failure = "checkpoint"


class DeviceError(JobError):
    """The device is absent, refuses what is asked, or broke."""

    failure = "device"


class DivergedError(JobError):
    """The loss or the weights became NaN or infinite."""
