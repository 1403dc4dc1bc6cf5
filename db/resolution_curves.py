"""Accuracy against test resolution: every test of one network, pooled over seeds, before and after fine-tuning.

networks   which networks were tested on which data, and at how many resolutions
curves     every test of one of them

Accuracy does not depend on where throughput was measured, so these rows are made of the evaluations themselves: one per
tested configuration, with all of its seeds, whatever device there is.

Source:
    Touvron et al., "Fixing the train-test resolution discrepancy", arXiv 1906.06423: a network is most accurate at a
    larger resolution than the one it was trained at, and fine-tuning there adds to it.
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Double, Select, Subquery, case, cast, func, literal, select

from db.derived_tables import result_points
from db.fronts import stored
from db.results_view import PPM, tested_seeds
from db.tables import datasets, variants
from db.variant_results_view import TESTED, VARIANT

Row = dict[str, Any]

#: Parts of a data set that were used; None is all of them.
_IMAGES: Final = ("train_images", "test_images", "validation_images")
#: What tells one test of a network from another, and what follows from that.
_KEY: Final = (*TESTED, "series", "native_resolution", "half_resolution", "fine_tune_layers")
_COUNTS: Final = ("images", "correct", "correct_before_fine_tune", "validation_images", "validation_correct")


class ResolutionCurves:
    """Top-1 by train and test resolution, of all results or of a sweep's."""

    def __init__(self, read: Callable[[Select[Any]], list[Row]], sweep: str | None) -> None:
        self._read = read
        self._sweep = sweep

    def networks(self) -> list[Row]:
        """Return each network with each data set that it was tested on.

        Returns:
            Rows with the columns of ``VARIANT``, ``variant_id``, ``dataset_id``, ``dataset``, the numbers of images
            used, and the number of ``train_resolutions``.
        """
        counted = _counted(self._sweep)
        v, d, c = variants.c, datasets.c, counted.c
        told = [c.variant_id, *(v[name] for name in VARIANT), c.dataset_id, d.name.label("dataset")]
        rows = counted.join(variants, v.variant_id == c.variant_id).join(datasets, d.dataset_id == c.dataset_id)
        query = select(*told, *(d[name] for name in _IMAGES), c.train_resolutions).select_from(rows)
        return self._read(query.order_by(d.name, d.dataset_id, *(v[name] for name in VARIANT)))

    def curves(self, variant_id: int, dataset_id: int) -> list[Row]:
        """Return every test of one network on one data set, by train and test resolution.

        Returns:
            Rows with the columns of ``TESTED``, ``series``, ``native_resolution``, ``half_resolution``,
            ``fine_tune_layers`` and:

            seeds              training runs that were pooled
            top1, top1_before  percent, after and before fine-tuning, over all seeds
            validation_top1    percent of the held-out training images; None where none were held out
            gain               of fine-tuning, percentage points
            top1_std, top1_before_std, gain_std
                               sample standard deviations over the seeds, percentage points; None for one seed. Of the
                               gain it is that of each seed's own gain.
            best               1 for the test resolution with the best validation accuracy of its training, the smaller
                               on a tie; by the test images where none were held out. Otherwise 0.
        """
        return self._read(_curves(_tests(variant_id, dataset_id, self._sweep)))


def _counted(sweep: str | None) -> Subquery:
    """Count the train resolutions of each network and data set; of all results, from an index alone."""
    p = result_points.c
    numbers = func.count(p.train_resolution.distinct()).label("train_resolutions")
    query = select(p.variant_id, p.dataset_id, numbers).where(p.dataset_id.is_not(None))
    if sweep is not None:
        query = query.where(stored(sweep))
    return query.group_by(p.variant_id, p.dataset_id).subquery("counted")


def _tests(variant_id: int, dataset_id: int, sweep: str | None) -> Subquery:
    """Every evaluation of a network on a data set, each once, however many sweeps asked for it."""
    rows = tested_seeds((*_KEY, *_COUNTS, "evaluation", "sweep")).subquery("rows")
    r = rows.c
    asked = (r.variant_id == variant_id) & (r.dataset_id == dataset_id)
    if sweep is not None:
        # Of an expression, not of the column: else SQLite begins with all of the sweep's jobs.
        asked &= r.sweep + "" == sweep
    columns = [r[name] for name in ("evaluation", *_KEY, *_COUNTS)]
    return select(*columns).where(asked).distinct().subquery("tests")


def _curves(tests: Subquery) -> Select[Any]:
    """Pool tests over their seeds."""
    pooled = _pooled(tests)
    p = pooled.c
    held_out = func.nullif(p.validation_images, 0, type_=BigInteger)
    validation_ppm = p.validation_correct * PPM // held_out
    rank = func.row_number().over(
        partition_by=[p[name] for name in TESTED if name != "test_resolution"],
        order_by=[func.coalesce(validation_ppm, p.correct * PPM // p.images).desc(), p.test_resolution],
    )
    return select(
        *(p[name] for name in _KEY),
        p.seeds,
        _percent(p.correct, p.images).label("top1"),
        _percent(p.correct_before_fine_tune, p.images).label("top1_before"),
        _percent(p.validation_correct, held_out).label("validation_top1"),
        (_percent(p.correct - p.correct_before_fine_tune, p.images)).label("gain"),
        *(_deviation(pooled, name).label(f"{name}_std") for name in _SPREAD),
        case((rank == 1, 1), else_=0).label("best"),
    ).order_by(*(p[name] for name in _KEY))


#: What varies from seed to seed: name → the column or difference of columns, right answers.
_SPREAD: Final[dict[str, Callable[[Any], ColumnElement[int]]]] = {
    "top1": lambda tests: tests.correct,
    "top1_before": lambda tests: tests.correct_before_fine_tune,
    "gain": lambda tests: tests.correct - tests.correct_before_fine_tune,
}


def _pooled(tests: Subquery) -> Subquery:
    """Add up whole numbers only, so that both engines agree."""
    t = tests.c
    sums = [_whole_sum(t[name]).label(name) for name in _COUNTS]
    for name, right in _SPREAD.items():
        ppm = right(t) * PPM // t.images
        sums += [_whole_sum(ppm).label(f"{name}_ppm"), _whole_sum(ppm * ppm).label(f"{name}_squares")]
    key = [t[name] for name in _KEY]
    return select(*key, func.count().label("seeds"), *sums).group_by(*key).subquery("pooled")


def _whole_sum(value: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.sum(value), BigInteger)


def _percent(part: ColumnElement[Any], whole: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(part, Double) * literal(100) / whole


def _deviation(pooled: Subquery, name: str) -> ColumnElement[Any]:
    """Sample standard deviation over seeds, in percentage points."""
    p = pooled.c
    total, squares = p[f"{name}_ppm"], p[f"{name}_squares"]
    spread = cast(p.seeds * squares - total * total, Double)
    return case((p.seeds > 1, func.sqrt(spread / (p.seeds * (p.seeds - 1)), type_=Double) / literal(10_000)))
