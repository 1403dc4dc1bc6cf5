"""The view ``variant_results``: rows of ``results`` with their seeds pooled and one throughput per point.

A function of the rows, so that a query which filters them first is pooled by the very same rule.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Select,
    Subquery,
    case,
    cast,
    func,
    literal,
    select,
    true,
)

from db.results_view import PPM
from db.tables import datasets, environments, measurements, variants
from db.verdicts import is_clean, is_usable, shown_verdict

#: What tells one training configuration from another; seeds differ within it.
TRAINING: Final = (
    "source",
    "series",
    "variant_id",
    "dataset",
    "dataset_id",
    "train_resolution",
    "native_resolution",
    "half_resolution",
    "recipe_digest",
    "precision",
)
#: Where it was measured. Points of different places never compete.
PLACE: Final = ("slot_kind", "device", "threads")
#: What tells one tested configuration from another.
TEST: Final = ("test_resolution", "fine_tune_layers", "fine_tune_digest")
#: The shortest key of a training configuration among our own results; those of ``TRAINING`` follow from it.
TRAINED: Final = ("variant_id", "dataset_id", "train_resolution", "recipe_digest", "precision")
#: Likewise of a tested configuration; seeds differ within it, and share its place on a front.
TESTED: Final = (*TRAINED, "test_resolution", "fine_tune_digest")
#: What tells one architecture from another; each belongs to one ``variant_id``.
VARIANT: Final = ("model_size", "group_size", "expansion", "norm", "width", "small_images")


def variant_results(rows: FromClause, apart: Sequence[str] = ()) -> Select[Any]:
    """Pool rows of ``results`` over seeds.

    Args:
        rows: ``results``, or a part of it.
        apart: Further columns of the rows; what differs in one of them is pooled apart. The points have them, too.
    """
    points = _one_measurement_per_point(_pooled(_copies_numbered(rows, apart), apart), apart)
    p = points.c
    train, inference = measurements.alias("train_measurement"), measurements.alias("inference_measurement")
    train_place, inference_place = environments.alias("train_place"), environments.alias("inference_place")
    joined = (
        points.join(variants, variants.c.variant_id == p.variant_id)
        .outerjoin(datasets, datasets.c.dataset_id == p.dataset_id)
        .outerjoin(train, train.c.measurement_id == p.train_measurement_id)
        .outerjoin(inference, inference.c.measurement_id == p.inference_measurement_id)
        .outerjoin(train_place, train_place.c.environment_key == train.c.environment_key)
        .outerjoin(inference_place, inference_place.c.environment_key == inference.c.environment_key)
    )
    held_out = func.nullif(p.validation_images_sum, 0, type_=BigInteger)
    columns: list[ColumnElement[Any]] = [
        p.source,
        p.series,
        *(variants.c[name] for name in VARIANT),
        p.dataset,
        datasets.c.train_images,
        datasets.c.test_images,
        p.validation_images,
        p.train_resolution,
        p.test_resolution,
        p.native_resolution,
        p.half_resolution,
        p.seeds,
        case((p.images_sum.is_(None), _percent(p.published_ppm)), else_=_share(p.correct_sum, p.images_sum)).label(
            "top1_mean"
        ),
        _standard_deviation(points).label("top1_std"),
        func.coalesce(p.correct_sum * PPM // p.images_sum, p.published_ppm).label("top1_ppm"),
        _share(p.correct_before_sum, p.images_sum).label("top1_before_fine_tune_mean"),
        _share(p.validation_correct_sum, held_out).label("validation_top1_mean"),
        (p.validation_correct_sum * PPM // held_out).label("validation_ppm"),
        p.images_sum,
        p.correct_sum,
        p.validation_images_sum,
        p.validation_correct_sum,
        p.params,
        p.train_macs,
        p.test_macs,
        func.coalesce(train.c.images_per_second, p.published_train).label("train_images_per_second"),
        train.c.cv.label("train_throughput_cv"),
        shown_verdict(train, train_place).label("train_verdict"),
        func.coalesce(inference.c.images_per_second, p.published_inference).label("inference_images_per_second"),
        inference.c.cv.label("inference_throughput_cv"),
        shown_verdict(inference, inference_place).label("inference_verdict"),
        *(p[name] for name in PLACE),
        p.precision,
        p.fine_tune_layers,
        p.recipe_digest,
        p.fine_tune_digest,
        p.train_measurement_id,
        p.inference_measurement_id,
        p.variant_id,
        p.dataset_id,
        p.finished_at,
        *(p[name] for name in apart),
    ]
    return select(*columns).select_from(joined)


#: What ``_pooled`` aggregates, besides the key.
_AGGREGATED: Final = (
    "evaluation",
    "images",
    "correct",
    "correct_before_fine_tune",
    "validation_images",
    "validation_correct",
    "top1_ppm",
    "params",
    "train_macs",
    "test_macs",
    "train_images_per_second",
    "train_verdict",
    "train_measurement_id",
    "inference_images_per_second",
    "inference_verdict",
    "inference_measurement_id",
    "finished_at",
)


#: Which measurements stand for a point, the best choice first.
_BEST_FIRST: Final = ("clean", "usable", "any")


def _copies_numbered(rows: FromClause, apart: Sequence[str]) -> Subquery:
    """Number the rows that show the same evaluation in the same place, one for each sweep that shares it."""
    r = rows.c
    copy = func.row_number().over(
        partition_by=[r.evaluation, *(r[name] for name in (*PLACE, *apart))], order_by=[r.sweep, r.environment_key]
    )
    needed = [r[name] for name in (*TRAINING, *TEST, *PLACE, *apart, *_AGGREGATED)]
    return select(*needed, copy.label("copy")).subquery("numbered")


def _pooled(numbered: Subquery, apart: Sequence[str]) -> Subquery:
    """Group the rows by configuration and place; each evaluation counts once however many sweeps share it."""
    n = numbered.c
    key = [n[name] for name in (*TRAINING, *TEST, *PLACE, *apart)]

    def once(value: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(func.sum(case((n.copy == 1, value))), BigInteger)

    def if_published(value: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.max(case((n.source == "published", value)))

    def newest(mode: str, which: str) -> ColumnElement[Any]:
        measurement, verdict = n[f"{mode}_measurement_id"], n[f"{mode}_verdict"]
        those = {"clean": is_clean(verdict), "usable": is_usable(verdict), "any": true()}
        return func.max(case((those[which], measurement))).label(f"{mode}_{which}")

    return (
        select(
            *key,
            func.nullif(func.count(n.evaluation.distinct()), 0, type_=BigInteger).label("seeds"),
            once(n.images).label("images_sum"),
            once(n.correct).label("correct_sum"),
            once(n.correct_before_fine_tune).label("correct_before_sum"),
            func.max(n.validation_images).label("validation_images"),
            once(n.validation_images).label("validation_images_sum"),
            once(n.validation_correct).label("validation_correct_sum"),
            once(n.top1_ppm).label("ppm_sum"),
            once(n.top1_ppm * n.top1_ppm).label("ppm_squares"),
            if_published(n.top1_ppm).label("published_ppm"),
            if_published(n.train_images_per_second).label("published_train"),
            if_published(n.inference_images_per_second).label("published_inference"),
            func.max(n.params).label("params"),
            func.max(n.train_macs).label("train_macs"),
            func.max(n.test_macs).label("test_macs"),
            *(newest(mode, which) for mode in ("train", "inference") for which in _BEST_FIRST),
            func.max(n.finished_at).label("finished_at"),
        )
        .group_by(*key)
        .subquery("pooled")
    )


def _one_measurement_per_point(pooled: Subquery, apart: Sequence[str]) -> Subquery:
    """Choose the newest clean measurement, else the newest that a front can take, else the newest.

    Training throughput does not depend on the test, so one measurement stands for all tests of a training.
    """
    p = pooled.c
    training = [p[name] for name in (*TRAINING, *PLACE, *apart)]
    train = func.coalesce(*(func.max(p[f"train_{one}"]).over(partition_by=training) for one in _BEST_FIRST))
    inference = func.coalesce(*(p[f"inference_{one}"] for one in _BEST_FIRST))
    return select(pooled, train.label("train_measurement_id"), inference.label("inference_measurement_id")).subquery(
        "points"
    )


def _share(correct: ColumnElement[Any], images: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(correct, Double) * literal(100) / images


def _percent(ppm: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(ppm, Double) / literal(10_000)


def _standard_deviation(points: Subquery) -> ColumnElement[Any]:
    """Sample standard deviation over seeds, in percentage points; integers up to the root, so both engines agree."""
    p = points.c
    spread = cast(p.seeds * p.ppm_squares - p.ppm_sum * p.ppm_sum, Double)
    return case((p.seeds > 1, func.sqrt(spread / (p.seeds * (p.seeds - 1)), type_=Double) / literal(10_000)))
