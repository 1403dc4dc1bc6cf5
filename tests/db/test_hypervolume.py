"""What a front covers, counted square by square."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.hypervolume import hypervolume, hypervolumes

whole = st.integers(min_value=-3, max_value=9)
points = st.lists(st.tuples(whole, whole), max_size=8)


def squares(found, reference):
    """Number of unit squares above the reference that some point lies beyond: what a front of whole numbers covers."""
    sides = [range(worst, 10) for worst in reference]
    return sum(
        any(all(value >= corner + 1 for value, corner in zip(point, square, strict=True)) for point in found)
        for square in itertools.product(*sides)
    )


@given(points, st.tuples(whole, whole))
def test_two_objectives_cover_as_many_squares_as_one_counts(found, reference):
    assert hypervolume(found, reference) == squares(found, reference)


@given(st.lists(st.tuples(whole), max_size=5), st.tuples(whole))
def test_one_objective_covers_the_length_to_its_best(found, reference):
    assert hypervolume(found, reference) == squares(found, reference)


@given(st.lists(st.tuples(whole, whole), min_size=1, max_size=8))
def test_the_course_is_what_the_results_so_far_cover_as_a_share_of_all(found):
    reference = [min(column) for column in zip(*found, strict=True)]
    all_of_it = squares(found, reference)
    course = hypervolumes(found)
    if all_of_it:
        assert course == pytest.approx([squares(found[: n + 1], reference) / all_of_it for n in range(len(found))])
    else:
        assert course == [1.0] * len(found)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=20))
def test_the_course_never_falls_and_ends_at_one(found):
    course = hypervolumes(found)
    assert course[-1] == 1.0
    assert all(0 <= share <= 1 for share in course)
    assert all(later >= earlier * (1 - 1e-12) for earlier, later in itertools.pairwise(course))


class Counted(float):
    """A number that counts how often such numbers are compared."""

    compared = 0

    def __sub__(self, other):
        return Counted(float(self) - other)

    def __lt__(self, other):
        Counted.compared += 1
        return float(self) < other

    def __gt__(self, other):
        Counted.compared += 1
        return float(self) > other

    def __le__(self, other):
        Counted.compared += 1
        return float(self) <= other

    def __ge__(self, other):
        Counted.compared += 1
        return float(self) >= other


def test_twice_as_many_results_take_twice_as_long_and_not_four_times():
    """A front that every result is a part of, counted in comparisons and not in seconds."""

    def comparisons(number):
        Counted.compared = 0
        hypervolumes([(Counted(one), Counted(number - one)) for one in range(number)])
        return Counted.compared

    assert 0 < comparisons(1000) < 3 * comparisons(500)


def test_the_area_is_in_the_objectives_own_units():
    assert hypervolume([(80.0, 100.0), (70.0, 300.0)], (60.0, 50.0)) == 20 * 50 + 10 * 200


def test_nothing_covers_nothing():
    assert hypervolume([], (0.0, 0.0)) == hypervolume([], (0.0,)) == 0.0
    assert hypervolumes([]) == []
    assert hypervolumes([(70.0, 100.0)]) == [1.0]


def test_other_numbers_of_objectives_are_refused():
    with pytest.raises(ValueError, match="one or two objectives, not 3"):
        hypervolume([(1, 2, 3)], (0, 0, 0))
    with pytest.raises(ValueError, match=r"shorter|longer"):
        hypervolume([(1, 2, 3)], (0, 0))
