"""Ports for servers of tests that run in several processes at once."""

from __future__ import annotations

import random
import socket

#: Below what systems give to outgoing connections and above what Ray's workers take, so that a port which is free now
#: is still free when its server has started.
_RANGE = range(20_000, 32_000)


def unused_port() -> int:
    """Return a port of 127.0.0.1 where nobody listens; another one in every process."""
    while True:
        port = random.SystemRandom().choice(_RANGE)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
