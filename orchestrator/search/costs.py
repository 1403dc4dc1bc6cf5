"""What trying a point costs, as far as that is known before anything has run."""

import math
from collections.abc import Callable

from db.search_records import Value
from orchestrator.planning import work
from orchestrator.search.space import Space


def costs_of(space: Space) -> Callable[[tuple[Value, ...]], float]:
    """Return a function from a point's values to the multiply-accumulates of its trainings and tests.

    It does not ask what has been done already: what is proposed must not depend on when somebody asks. Where the number
    of images is not known before reading them, everything counts as free.
    """

    def cost(values: tuple[Value, ...]) -> float:
        point = space.points[values]
        trained = math.fsum(work(job) or 0.0 for job in point.trainings)
        return trained + math.fsum(work(job) or 0.0 for job in point.evaluations)

    return cost
