"""Published accuracy with throughput measured here, for those who cannot train for hundreds of epochs.

Every row of a publication is paired with measurements of the same network: the unscaled one (width 1, not for small
images) of that size, group size, expansion and norm, on images of the data set's shape. Training throughput is that of
a step with ``OPTIMIZER`` at the row's train resolution, inference throughput that at its test resolution, or at the
network's native one where the publication names none. Of several measurements in one place the newest undisturbed one
counts, as everywhere.

The rows have the columns of ``variant_results``, so that fronts and speed-ups are made of them by the very same rules.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    FromClause,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    true,
)

from db import filters, fronts
from db.errors import ComparisonError, UnknownNameError
from db.front_views import Mode, Scenario
from db.suggestions import did_you_mean
from db.tables import environments, measurements, publications, published_results, sweep_jobs, sweeps, variants
from db.variant_results_view import PLACE
from db.verdicts import shown_verdict, usable_first
from db.views import VARIANT_RESULTS

#: ``source`` of such rows.
SOURCE: Final = "published accuracy, measured throughput"
#: Of the training steps that count: the optimizer of the paper, which measure-only sweeps take.
OPTIMIZER: Final = "rmsprop"
#: Published data set → channels and classes of its images. Throughput on others is that of another network.
IMAGE_SHAPES: Final = {
    "imagenet": (3, 1000),
    "cifar10": (3, 10),
    "cifar100": (3, 100),
    "fashion-mnist": (1, 10),
}
#: What a FILTER of such rows may speak of.
FILTERABLE: Final = {column.name: column.type for column in VARIANT_RESULTS.c if column.name != "source"}


@dataclass(frozen=True, slots=True)
class Combined:
    """What a publication and the measurements here come to.

    Attributes:
        publication: Its name.
        rows: The published rows that the filter lets through, in every place; with the columns of ``variant_results``.
        points: Those with a throughput, in one scenario; with the columns of ``Reader.points``.
    """

    publication: str
    rows: list[dict[str, Any]]
    points: list[dict[str, Any]]


def combine(
    connection: Connection,
    mode: Mode,
    scenario: Scenario,
    *,
    publication: str | None = None,
    sweep: str | None = None,
    filter_text: str = "",
    noisy: bool = False,
) -> Combined:
    """Pair a publication with what was measured here.

    Args:
        connection: To the database.
        mode: Which throughput counts.
        scenario: Which test resolutions count; ``native`` leaves out rows that name none.
        publication: Its name; not needed where there is one.
        sweep: Only measurements of the sweep of this very name.
        filter_text: A FILTER; what it leaves out does not compete.
        noisy: Whether noisy measurements compete, too.

    Raises:
        FilterError: The filter cannot be understood.
        UnknownNameError: There is no one publication of this name.
        ComparisonError: Nothing is published, or on images whose shape is not known.
    """
    conditions = filters.parse(filter_text, FILTERABLE)
    name, dataset = _find_publication(connection, publication)
    everything = _combined(name, dataset, sweep)
    chosen = select(everything).where(filters.where(conditions, everything)).subquery("points")
    in_scenario = chosen.c.test_resolution == chosen.c.native_resolution if scenario == "native" else true()
    rows = connection.execute(select(chosen).where(in_scenario).order_by(*(chosen.c[one] for one in _ORDER))).mappings()
    points = connection.execute(fronts.judged_points(chosen, mode, scenario, noisy=noisy)).mappings()
    return Combined(name, [dict(row) for row in rows], [{**row, "on_front": row["on_front"] == 1} for row in points])


_ORDER: Final = ("series", "model_size", "train_resolution", "device", "threads", "precision")


def combinable(connection: Connection) -> list[str]:
    """Return the names of the publications whose accuracies can be put on measured throughput."""
    query = select(publications.c.name).where(publications.c.dataset.in_(IMAGE_SHAPES))
    return list(connection.scalars(query.order_by(publications.c.name)))


def _find_publication(connection: Connection, name: str | None) -> tuple[str, str]:
    """Return the publication of a name, or the only one, and what it was made on.

    Raises:
        UnknownNameError: There is none of that name, or several and no name is given.
        ComparisonError: Nothing is published, or on images whose shape is not known.
    """
    rows = connection.execute(select(publications.c.name, publications.c.dataset).order_by(publications.c.name)).all()
    known = {row.name: row.dataset for row in rows}
    if not known:
        hint = "Bring them in: orchestrator import --published examples/published_results.csv"
        raise ComparisonError("there are no published results here", hint)
    if name is None and len(known) > 1:
        raise UnknownNameError(f"there are {len(known)} publications", f"Name one: {', '.join(known)}.")
    chosen = next(iter(known)) if name is None else name
    if chosen not in known:
        raise UnknownNameError(f"there is no publication {chosen!r}", did_you_mean(chosen, known).capitalize())
    if known[chosen] not in IMAGE_SHAPES:
        hint = f"Import it again with --dataset, one of {', '.join(IMAGE_SHAPES)}."
        message = f"{chosen} is about {known[chosen]!r}: how many channels and classes its networks have is not known"
        raise ComparisonError(message, hint)
    return chosen, known[chosen]


def _combined(publication: str, dataset: str, sweep: str | None) -> Subquery:
    """Query the rows of a publication in every place where some of its networks were measured.

    A row without a measurement in a place has no throughput there; without any place at all it is there once.

    Args:
        publication: Its name.
        dataset: What it was made on; one of ``IMAGE_SHAPES``.
        sweep: Only measurements of the sweep of this very name.
    """
    newest = _newest_measurements(publication, dataset, sweep)
    place = select(*(newest.c[name] for name in (*PLACE, "precision"))).distinct().subquery("places")
    train, inference = newest.alias("train_throughput"), newest.alias("inference_throughput")
    p = published_results.c
    joined = (
        published_results.join(publications, publications.c.publication_id == p.publication_id)
        .join(variants, variants.c.variant_id == p.variant_id)
        .outerjoin(place, true())
        .outerjoin(train, _same_network(train, place, "train", p.train_resolution))
        .outerjoin(
            inference,
            _same_network(inference, place, "inference", func.coalesce(p.test_resolution, p.native_resolution)),
        )
    )
    known = _columns(place, train, inference)
    columns = [known.get(one.name, cast(null(), one.type)).label(one.name) for one in VARIANT_RESULTS.c]
    return select(*columns).select_from(joined).where(publications.c.name == publication).subquery("combined")


def _columns(place: FromClause, train: FromClause, inference: FromClause) -> dict[str, ColumnElement[Any]]:
    p, v = published_results.c, variants.c
    throughput = {
        f"{mode}_{name}": measured.c[column]
        for mode, measured in (("train", train), ("inference", inference))
        for name, column in (
            ("images_per_second", "images_per_second"),
            ("throughput_cv", "cv"),
            ("verdict", "verdict"),
            ("measurement_id", "measurement_id"),
        )
    }
    named = [
        *(p[name] for name in ("series", "train_resolution", "test_resolution", "native_resolution")),
        *(p[name] for name in ("half_resolution", "top1_ppm", "params", "train_macs", "variant_id")),
        *(v[name] for name in ("model_size", "group_size", "expansion", "norm", "width", "small_images")),
        *place.c,
    ]
    return {
        **{column.name: column for column in named},
        **throughput,
        "source": literal(SOURCE, Text),
        "dataset": publications.c.dataset,
        "top1_mean": cast(p.top1_ppm, Double) / literal(10_000),
        "fine_tune_layers": case((p.fine_tuned, cast(null(), Text)), else_=literal("none", Text)),
    }


def _newest_measurements(publication: str, dataset: str, sweep: str | None) -> Subquery:
    """One measurement per network of the publication, mode, resolution, precision and place."""
    m, e = measurements.c, environments.c
    channels, classes = IMAGE_SHAPES[dataset]
    published = (
        select(published_results.c.variant_id)
        .join(publications, publications.c.publication_id == published_results.c.publication_id)
        .where(publications.c.name == publication)
    )
    conditions = [
        m.variant_id.in_(published),
        m.channels == channels,
        m.classes == classes,
        (m.mode == "inference") | (m.optimizer == OPTIMIZER),
    ]
    if sweep is not None:
        asked = select(sweep_jobs.c.fingerprint).join(sweeps, sweeps.c.sweep_id == sweep_jobs.c.sweep_id)
        conditions.append(m.fingerprint.in_(asked.where(sweeps.c.name == sweep)))
    places = [e[name] for name in PLACE]
    verdict = shown_verdict(measurements, environments)
    rank = func.row_number().over(
        partition_by=[m.variant_id, m.mode, m.resolution, m.precision, *places],
        order_by=[usable_first(verdict), m.measurement_id.desc()],
    )
    ranked = (
        select(*(one for one in m if one.name != "verdict"), verdict.label("verdict"), *places, rank.label("rank"))
        .join_from(measurements, environments, e.environment_key == m.environment_key)
        .where(*conditions)
        .subquery("ranked")
    )
    return select(ranked).where(ranked.c.rank == 1).subquery("newest")


def _same_network(
    newest: FromClause, place: FromClause, mode: str, resolution: ColumnElement[Any]
) -> ColumnElement[bool]:
    """What joins a measurement to a published row in one place."""
    return and_(
        newest.c.variant_id == published_results.c.variant_id,
        newest.c.mode == mode,
        newest.c.resolution == resolution,
        *(newest.c[name] == place.c[name] for name in (*PLACE, "precision")),
    )
