"""Who has the slot's IPUs: one compiled network at a time."""

import contextlib
from typing import Any, Optional

from workers.ipu.errors import translated


class Attachment:
    """Lets one ``poptorch.PoplarExecutor`` after the other onto the IPUs.

    Weights stay with their network: leaving the IPUs brings them, and an optimiser's state, back to the host, and
    coming again takes them there.
    """

    def __init__(self) -> None:
        self._holder: Optional[Any] = None

    def take(self, executor: Any) -> None:
        """Give the IPUs to a network, unless it has them; one that is not compiled takes them when it compiles.

        Raises:
            DeviceError: They are in use by another process, or broke.
        """
        if self._holder is executor:
            return
        self.release()
        self._holder = executor
        if executor.isCompiled() and not executor.isAttachedToDevice():
            with translated():
                executor.attachToDevice()

    def release(self) -> None:
        """Take the IPUs from whoever has them.

        Raises:
            DeviceError: They broke.
        """
        holder, self._holder = self._holder, None
        if holder is not None and holder.isCompiled() and holder.isAttachedToDevice():
            with translated():
                holder.detachFromDevice()

    def destroy(self, executor: Any) -> None:
        """Free what a network holds, in whatever state it is: what went wrong with it has been said."""
        import poptorch

        if self._holder is executor:
            self._holder = None
        with contextlib.suppress(poptorch.Error):
            executor.destroy()
