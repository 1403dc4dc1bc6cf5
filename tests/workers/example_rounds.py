"""Rounds of a measurement, as a worker reports them."""

from workers.protocol.orders import Round, Sample


def blocks(rates):
    """Blocks of one second and a bit, as they are timed: whole images, whatever time they took."""
    return [Sample(images=round(1.02 * rate), seconds=round(1.02 * rate) / rate) for rate in rates]


def a_round(rates, verdict="clean", reason="", **fields):
    return Round(1, blocks(rates), verdict, reason, **fields)
