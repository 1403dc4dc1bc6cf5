"""The rule of the fronts on random points, against one written down naively; on both engines."""

import dataclasses
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, delete, insert, true

from db import views
from db.engine import open_write_engine
from db.front_views import SCENARIOS, like_stored, points_of
from db.store import open_store
from db.urls import parse_url

#: Stands in for ``variant_results``: of its columns, those that are not told here are NULL.
POINTS = Table("points", MetaData(), *(Column(one.name, one.type) for one in views.VARIANT_RESULTS.c))


@dataclasses.dataclass(frozen=True)
class Point:
    """One row of ``variant_results``; few values each, so that ties are common."""

    series: str
    device: str
    fine_tune_digest: str
    test_resolution: int
    top1_ppm: int
    validation_ppm: int | None
    train_images_per_second: float | None
    train_verdict: str
    native_resolution: int = 28

    @property
    def configuration(self):
        """What one test resolution is chosen for."""
        return self.series, self.device, self.fine_tune_digest

    def is_usable(self, *, noisy):
        accepted = ("clean", "noisy") if noisy else ("clean",)
        return self.train_images_per_second is not None and self.train_verdict in accepted

    def beats(self, other):
        mine, theirs = ((one.top1_ppm, one.train_images_per_second) for one in (self, other))
        as_good = all(a >= b for a, b in zip(mine, theirs, strict=True))
        return self.device == other.device and as_good and mine != theirs


@st.composite
def points(draw):
    """Points of some configurations, each of which held validation images out or did not."""
    held_out = draw(st.fixed_dictionaries({series: st.booleans() for series in ("S0", "S1")}))
    accuracy, rate = st.integers(5, 9), st.sampled_from([None, 0.1, 0.1 + 0.2, 0.3, 1.0])
    one = st.builds(
        Point,
        series=st.sampled_from(list(held_out)),
        device=st.sampled_from(["A", "B"]),
        fine_tune_digest=st.sampled_from(["head", "none"]),
        test_resolution=st.sampled_from([24, 28, 32]),
        top1_ppm=accuracy,
        validation_ppm=accuracy,
        train_images_per_second=rate,
        train_verdict=st.sampled_from(["clean", "noisy", "contended"]),
    )
    drawn = draw(st.lists(one, max_size=24, unique_by=lambda point: (point.configuration, point.test_resolution)))
    return [point if held_out[point.series] else dataclasses.replace(point, validation_ppm=None) for point in drawn]


def naively(drawn, scenario, *, noisy):
    """Points of a scenario, each with whether it lies on the front and among how many its resolution was chosen."""
    chosen = [point for point in drawn if point.is_usable(noisy=noisy) and belongs(drawn, point, scenario)]
    return {
        (*point.configuration, point.test_resolution): (
            not any(other.beats(point) for other in chosen),
            len(alternatives(drawn, point)),
        )
        for point in chosen
    }


def alternatives(drawn, point):
    return [other for other in drawn if other.configuration == point.configuration]


def belongs(drawn, point, scenario):
    if scenario == "native":
        return point.test_resolution == point.native_resolution
    return scenario == "all" or point == max(alternatives(drawn, point), key=selected_by)


def selected_by(point):
    accuracy = point.top1_ppm if point.validation_ppm is None else point.validation_ppm
    return accuracy, -point.test_resolution


@pytest.fixture
def engines(sqlite_url, postgres_url):
    """Engines of both kinds with an empty table of points."""
    open_store(sqlite_url).close()
    opened = [open_write_engine(parse_url(one)) for one in (sqlite_url, postgres_url)]
    for engine in opened:
        POINTS.create(engine)
    yield opened
    for engine in opened:
        engine.dispose()


def test_points_and_fronts_of_both_engines_equal_those_told_naively(engines):
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(points())
    def check(drawn):
        for engine in engines:
            with engine.begin() as connection:
                connection.execute(delete(POINTS))
                if drawn:
                    connection.execute(insert(POINTS), [dataclasses.asdict(point) for point in drawn])
                for scenario, noisy in itertools.product(SCENARIOS, (False, True)):
                    query = points_of(like_stored(POINTS), "train", scenario, true(), noisy=noisy)
                    found = {
                        (row["series"], row["device"], row["fine_tune_digest"], row["test_resolution"]): (
                            row["on_front"] == 1,
                            row["chosen_from"],
                        )
                        for row in connection.execute(query).mappings()
                    }
                    assert found == naively(drawn, scenario, noisy=noisy)

    check()
