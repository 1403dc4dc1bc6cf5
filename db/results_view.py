"""The view ``results``: one row per sweep, evaluation and device on which the sweep measured; published rows too."""

from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.sql import CompoundSelect

from db.column_types import UtcDateTime
from db.tables import (
    datasets,
    environments,
    evaluations,
    measurements,
    publications,
    published_results,
    sweep_jobs,
    sweeps,
    trainings,
    variants,
)

PPM: Final = 1_000_000


def results() -> CompoundSelect[Any]:
    """Return the query of the view."""
    return union_all(_measured(), _published())


def usable_first(verdict: ColumnElement[str]) -> ColumnElement[int]:
    """Sort key: measurements that nothing disturbed come before contended ones, nothing at all last."""
    return case((verdict.is_(None), 2), (verdict == "contended", 1), else_=0)


def _newest_measurements() -> CTE:
    """One measurement per sweep, architecture, mode, resolution, precision and environment.

    The newest that nothing disturbed; the newest of all where each was contended.
    """
    m = measurements.c
    rank = func.row_number().over(
        partition_by=[
            sweep_jobs.c.sweep_id,
            m.environment_key,
            m.variant_id,
            m.channels,
            m.classes,
            m.mode,
            m.resolution,
            m.precision,
            m.optimizer,
        ],
        order_by=[usable_first(m.verdict), m.measurement_id.desc()],
    )
    ranked = (
        select(sweep_jobs.c.sweep_id, measurements, rank.label("rank"))
        .join_from(sweep_jobs, measurements, measurements.c.fingerprint == sweep_jobs.c.fingerprint)
        .subquery("ranked")
    )
    return select(ranked).where(ranked.c.rank == 1).cte("newest")


def _measured() -> Select[Any]:
    newest = _newest_measurements()
    places = select(newest.c.sweep_id, newest.c.environment_key).distinct().subquery("places")
    train, inference = newest.alias("train_throughput"), newest.alias("inference_throughput")
    joined = (
        evaluations.join(trainings, trainings.c.fingerprint == evaluations.c.training)
        .join(variants, variants.c.variant_id == trainings.c.variant_id)
        .join(datasets, datasets.c.dataset_id == trainings.c.dataset_id)
        .join(sweep_jobs, sweep_jobs.c.fingerprint == evaluations.c.fingerprint)
        .join(sweeps, sweeps.c.sweep_id == sweep_jobs.c.sweep_id)
        .outerjoin(places, places.c.sweep_id == sweep_jobs.c.sweep_id)
        .outerjoin(environments, environments.c.environment_key == places.c.environment_key)
        .outerjoin(train, _same_point(train, places, "train"))
        .outerjoin(inference, _same_point(inference, places, "inference"))
    )
    return select(*_measured_columns(train, inference, places)).select_from(joined)


def _measured_columns(train: FromClause, inference: FromClause, places: FromClause) -> list[ColumnElement[Any]]:
    e, t, v, d = evaluations.c, trainings.c, variants.c, datasets.c
    return [
        sweeps.c.name.label("sweep"),
        literal("measured", Text).label("source"),
        _series(),
        v.model_size,
        v.group_size,
        v.expansion,
        v.norm,
        v.width,
        v.small_images,
        d.name.label("dataset"),
        d.train_images,
        d.test_images,
        t.train_resolution,
        e.test_resolution,
        t.native_resolution,
        t.half_resolution,
        t.seed,
        _percent(e.correct, e.images).label("top1"),
        _percent(e.correct_before_fine_tune, e.images).label("top1_before_fine_tune"),
        (e.correct * PPM // e.images).label("top1_ppm"),
        e.images,
        e.correct,
        e.correct_before_fine_tune,
        t.params,
        t.train_macs,
        e.test_macs,
        train.c.images_per_second.label("train_images_per_second"),
        train.c.cv.label("train_throughput_cv"),
        train.c.verdict.label("train_verdict"),
        inference.c.images_per_second.label("inference_images_per_second"),
        inference.c.cv.label("inference_throughput_cv"),
        inference.c.verdict.label("inference_verdict"),
        environments.c.slot_kind,
        environments.c.device,
        environments.c.threads,
        t.precision,
        e.fine_tune_layers,
        t.recipe_digest,
        e.fine_tune_digest,
        t.fingerprint.label("training_run"),
        e.fingerprint.label("evaluation"),
        train.c.measurement_id.label("train_measurement_id"),
        inference.c.measurement_id.label("inference_measurement_id"),
        places.c.environment_key,
        v.variant_id,
        d.dataset_id,
        e.finished_at,
    ]


def _same_point(newest: FromClause, places: FromClause, mode: str) -> ColumnElement[bool]:
    """What joins a measurement to an evaluation in one place."""
    resolution = trainings.c.train_resolution if mode == "train" else evaluations.c.test_resolution
    conditions = [
        newest.c.sweep_id == places.c.sweep_id,
        newest.c.environment_key == places.c.environment_key,
        newest.c.variant_id == trainings.c.variant_id,
        newest.c.mode == mode,
        newest.c.resolution == resolution,
        newest.c.channels == datasets.c.channels,
        newest.c.classes == datasets.c.classes,
        newest.c.precision == trainings.c.precision,
    ]
    if mode == "train":
        conditions.append(newest.c.optimizer == trainings.c.optimizer)
    return and_(*conditions)


def _series() -> ColumnElement[Any]:
    """The name of a line in a chart, as the paper writes it: ``G16-LN+PN-Half``.

    The expansion is named only where it is not the paper's for this group size.
    """
    v, t = variants.c, trainings.c
    usual = and_(v.group_size == 1, v.expansion == 6) | and_(v.group_size == 16, v.expansion == 4)
    expansion = case((usual, ""), else_=literal("E") + cast(v.expansion, Text))
    resolution = case(
        (t.train_resolution == t.native_resolution, "Native"),
        (t.train_resolution == t.half_resolution, "Half"),
        else_=cast(t.train_resolution, Text),
    )
    family = literal("G") + cast(v.group_size, Text) + expansion + literal("-") + func.upper(v.norm)
    return (family + literal("-") + resolution).label("series")


def _percent(correct: ColumnElement[int], images: ColumnElement[int]) -> ColumnElement[Any]:
    return cast(correct, Double) * literal(100) / images


def _published() -> Select[Any]:
    p, v = published_results.c, variants.c
    columns: list[ColumnElement[Any]] = [
        _nothing(Text, "sweep"),
        literal("published", Text).label("source"),
        p.series,
        v.model_size,
        v.group_size,
        v.expansion,
        v.norm,
        v.width,
        v.small_images,
        publications.c.dataset,
        _nothing(Integer, "train_images"),
        _nothing(Integer, "test_images"),
        p.train_resolution,
        p.test_resolution,
        p.native_resolution,
        p.half_resolution,
        _nothing(BigInteger, "seed"),
        (cast(p.top1_ppm, Double) / literal(10_000)).label("top1"),
        _nothing(Double, "top1_before_fine_tune"),
        cast(p.top1_ppm, BigInteger).label("top1_ppm"),
        _nothing(BigInteger, "images"),
        _nothing(BigInteger, "correct"),
        _nothing(BigInteger, "correct_before_fine_tune"),
        p.params,
        p.train_macs,
        _nothing(BigInteger, "test_macs"),
        p.train_images_per_second,
        _nothing(Double, "train_throughput_cv"),
        _nothing(Text, "train_verdict"),
        p.inference_images_per_second,
        _nothing(Double, "inference_throughput_cv"),
        _nothing(Text, "inference_verdict"),
        p.slot_kind,
        p.device,
        _nothing(Integer, "threads"),
        _nothing(Text, "precision"),
        case((p.fine_tuned, _nothing(Text)), else_=literal("none", Text)).label("fine_tune_layers"),
        _nothing(Text, "recipe_digest"),
        _nothing(Text, "fine_tune_digest"),
        _nothing(Text, "training_run"),
        _nothing(Text, "evaluation"),
        _nothing(BigInteger, "train_measurement_id"),
        _nothing(BigInteger, "inference_measurement_id"),
        _nothing(Text, "environment_key"),
        v.variant_id,
        _nothing(BigInteger, "dataset_id"),
        cast(null(), UtcDateTime).label("finished_at"),
    ]
    return select(*columns).select_from(published_results.join(publications).join(variants))


def _nothing(kind: type, name: str | None = None) -> ColumnElement[Any]:
    empty: ColumnElement[Any] = cast(null(), kind)
    return empty if name is None else empty.label(name)
