"""The view ``results``: one row per sweep, evaluation and device on which the sweep measured; published rows too."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Join,
    ScalarSelect,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.sql import CompoundSelect

from db.column_types import UtcDateTime
from db.derived_tables import sweep_places
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
from db.verdicts import shown_verdict, usable_first

PPM: Final = 1_000_000


def results() -> CompoundSelect[Any]:
    """Return the query of the view."""
    return union_all(measured_results(), published_as_results())


def measured_results() -> Select[Any]:
    """Query our own results; what narrows them down may speak of ``trainings`` and ``evaluations``."""
    train, inference = measurements.alias("train_throughput"), measurements.alias("inference_throughput")
    joined = (
        evaluations.join(trainings, trainings.c.fingerprint == evaluations.c.training)
        .join(variants, variants.c.variant_id == trainings.c.variant_id)
        .join(datasets, datasets.c.dataset_id == trainings.c.dataset_id)
        .join(sweep_jobs, sweep_jobs.c.fingerprint == evaluations.c.fingerprint)
        .join(sweeps, sweeps.c.sweep_id == sweep_jobs.c.sweep_id)
        .outerjoin(sweep_places, sweep_places.c.sweep_id == sweep_jobs.c.sweep_id)
        .outerjoin(environments, environments.c.environment_key == sweep_places.c.environment_key)
        .outerjoin(train, train.c.measurement_id == _shown_measurement("train"))
        .outerjoin(inference, inference.c.measurement_id == _shown_measurement("inference"))
    )
    return select(*_measured_columns(train, inference)).select_from(joined)


#: Columns of ``results`` that a training run has in common with all of its evaluations.
OF_TRAININGS: Final = (
    "series",
    "model_size",
    "group_size",
    "expansion",
    "norm",
    "width",
    "small_images",
    "dataset",
    "train_images",
    "test_images",
    "train_resolution",
    "native_resolution",
    "half_resolution",
    "seed",
    "params",
    "train_macs",
    "precision",
    "recipe_digest",
    "training_run",
    "variant_id",
    "dataset_id",
)


def training_runs() -> Select[Any]:
    """Query the training runs, with the columns ``OF_TRAININGS`` of ``results``."""
    return _told(OF_TRAININGS).select_from(trainings.join(variants).join(datasets))


def evaluated_runs(names: Sequence[str]) -> Select[Any]:
    """Query our own evaluations, each once, whether or not a sweep still asks for it, with some columns of ``results``.

    Args:
        names: Those that runs and evaluations tell.
    """
    return _told(names).select_from(_evaluated())


def tested_seeds(names: Sequence[str]) -> Select[Any]:
    """Query our own results without their throughput, with some columns of ``results``.

    Args:
        names: Those that runs, evaluations and sweeps tell.
    """
    asked = _evaluated().join(sweep_jobs, sweep_jobs.c.fingerprint == evaluations.c.fingerprint)
    return _told(names).select_from(asked.join(sweeps, sweeps.c.sweep_id == sweep_jobs.c.sweep_id))


def _evaluated() -> Join:
    return trainings.join(variants).join(datasets).join(evaluations, evaluations.c.training == trainings.c.fingerprint)


def _told(names: Sequence[str]) -> Select[Any]:
    known = {column.name: column for column in _measured_columns(measurements, measurements)}
    return select(*(known[name] for name in names))


def _shown_measurement(mode: str) -> ScalarSelect[int]:
    """Of a sweep's measurements of an evaluation's network in one place: the newest clean one.

    Where there is none, the newest noisy one; where each was contended, the newest.
    """
    measured, asked = measurements.alias("measured"), sweep_jobs.alias("asked")
    m = measured.c
    resolution = trainings.c.train_resolution if mode == "train" else evaluations.c.test_resolution
    conditions = [
        asked.c.sweep_id == sweep_jobs.c.sweep_id,
        m.environment_key == sweep_places.c.environment_key,
        m.variant_id == trainings.c.variant_id,
        m.mode == mode,
        m.resolution == resolution,
        m.channels == datasets.c.channels,
        m.classes == datasets.c.classes,
        m.precision == trainings.c.precision,
    ]
    if mode == "train":
        conditions.append(m.optimizer == trainings.c.optimizer)
    return (
        select(m.measurement_id)
        .join_from(measured, asked, asked.c.fingerprint == m.fingerprint)
        .where(*conditions)
        .order_by(usable_first(m.verdict), m.measurement_id.desc())
        .limit(1)
        .correlate(trainings, evaluations, datasets, sweep_jobs, sweep_places)
        .scalar_subquery()
    )


def _measured_columns(train: FromClause, inference: FromClause) -> list[ColumnElement[Any]]:
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
        _percent(e.validation_correct, func.nullif(e.validation_images, 0, type_=BigInteger)).label("validation_top1"),
        e.images,
        e.correct,
        e.correct_before_fine_tune,
        e.validation_images,
        e.validation_correct,
        t.params,
        t.train_macs,
        e.test_macs,
        train.c.images_per_second.label("train_images_per_second"),
        train.c.cv.label("train_throughput_cv"),
        shown_verdict(train, environments).label("train_verdict"),
        inference.c.images_per_second.label("inference_images_per_second"),
        inference.c.cv.label("inference_throughput_cv"),
        shown_verdict(inference, environments).label("inference_verdict"),
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
        sweep_places.c.environment_key,
        v.variant_id,
        d.dataset_id,
        e.finished_at,
    ]


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
    # No parameter: ix_evaluations_top1 is on this very expression.
    return cast(correct, Double) * literal_column("100", Double) / images


def published_as_results() -> Select[Any]:
    """Query published results; what narrows them down may speak of ``published_results``."""
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
        _nothing(Double, "validation_top1"),
        _nothing(BigInteger, "images"),
        _nothing(BigInteger, "correct"),
        _nothing(BigInteger, "correct_before_fine_tune"),
        _nothing(BigInteger, "validation_images"),
        _nothing(BigInteger, "validation_correct"),
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
