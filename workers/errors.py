"""What can go wrong with a job for a reason of its own, each with its class of failure.

JobError
├── DataError              images missing or damaged
├── CheckpointError        weights missing, damaged or of another network
├── DeviceError            the device is absent, refuses what is asked, or broke
│   ├── DeviceMemoryError  the network does not fit on the device
│   ├── DeviceResetError   the device failed and has to be reset
│   └── DeviceBrokenError  the device failed for good
└── DivergedError          the loss became NaN or infinite: a final answer, not a failure

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


class DeviceMemoryError(DeviceError):
    """The network does not fit on the device as it is laid out: the same again would end the same."""

    failure = "device_memory"


class DeviceResetError(DeviceError):
    """The device failed and has to be reset; another process may find it in order."""

    failure = "device_reset"


class DeviceBrokenError(DeviceError):
    """The device failed for good: nothing else should be sent there."""

    failure = "device_broken"


class DivergedError(JobError):
    """The loss or the weights became NaN or infinite."""
