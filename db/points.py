"""The derived tables, kept true to what they are computed from.

Whatever changes results calls one of the functions here as the last thing of its transaction. The points of what was
touched are computed anew, by the very query that defines them, narrowed down to it: nothing is added up on the way.

On Postgres one transaction does so at a time, from here to its commit: each sees what those before it committed, so
that two which touch the same point do not both compute it without the other. Being last, it waits for nothing more.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Subquery,
    Update,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    text,
    union_all,
    update,
)

from db.derived_tables import POINT_COLUMNS, point_scopes, result_points, sweep_places
from db.front_views import MODES, SCOPE, scope_key, with_choice
from db.results_view import measured_results, published_as_results
from db.tables import evaluations, measurements, published_results, sweep_jobs, trainings, variants
from db.upsert import insert_into
from db.variant_results_view import TRAINED, variant_results

#: The values of ``TRAINED``: what a training run is pooled and compared by; its seeds and its tests are together.
Configuration = tuple[int, int, int, str, str]

#: Any number that no other program's advisory lock is likely to bear: "fs-point" in ASCII.
_ADVISORY_LOCK = 0x66732D706F696E74
#: Variants whose points are computed by one statement.
_VARIANTS_AT_ONCE = 200
#: Parameters per statement; the smallest limit of the supported engines is 32766.
_CHUNK = 10_000


# What was touched -----------------------------------------------------------------------------------------------------


def configurations_of(connection: Connection, fingerprint: str) -> set[Configuration]:
    """Return the configuration of a training run, or of an evaluation's; none if it has no result."""
    tested = select(evaluations.c.training).where(evaluations.c.fingerprint == fingerprint).scalar_subquery()
    trained = trainings.c.fingerprint.in_([bindparam("run", fingerprint), tested])
    query = select(*(trainings.c[name] for name in TRAINED)).where(trained)
    return {tuple(row) for row in connection.execute(query)}


def refresh_result(connection: Connection, fingerprint: str, before: Collection[Configuration]) -> None:
    """Compute the points anew that a result touches, after it came or changed.

    Args:
        connection: Inside a transaction.
        fingerprint: Of a job that is done.
        before: The job's configurations before.
    """
    _lock(connection)
    configurations = {*before, *configurations_of(connection, fingerprint)}
    for configuration in sorted(configurations):
        values = {f"of_{name}": value for name, value in zip(TRAINED, configuration, strict=True)}
        _write(connection, _OF_CONFIGURATION, values)
    if not configurations:
        _refresh_measured(connection, fingerprint)


def _refresh_measured(connection: Connection, fingerprint: str) -> None:
    """Compute the points of a measured variant anew.

    In a place where one of its sweeps had measured nothing before, all of the sweep's networks become points.
    """
    touched = set(_variants_of(connection, _MEASURED, [fingerprint]))
    known = select(sweep_places.c.environment_key).where(sweep_places.c.sweep_id == sweep_jobs.c.sweep_id)
    places = _measured_places(
        measurements.c.fingerprint == fingerprint, measurements.c.environment_key.not_in(known.correlate(sweep_jobs))
    )
    new = [(sweep, place) for sweep, place in connection.execute(places)]
    _keep_places(connection, new)
    _refresh_variants(connection, touched | _variants_of_sweeps(connection, {sweep for sweep, _ in new}))


def refresh_jobs(connection: Connection, sweep_id: int, fingerprints: Collection[str]) -> None:
    """Compute the points anew that depend on a sweep's asking for some jobs, after that changed."""
    if not fingerprints:
        return
    _lock(connection)
    touched = set(_variants_of(connection, _MEASURED, fingerprints))
    if touched and _update_places(connection, sweep_id):
        touched |= _variants_of_sweeps(connection, [sweep_id])
    _refresh_variants(connection, touched | set(_variants_of(connection, _EVALUATED, fingerprints)))


def refresh_variants(connection: Connection, variant_ids: Iterable[int]) -> None:
    """Compute the points of some variants anew, after anything about them came or changed, in whichever sweep."""
    _lock(connection)
    _refresh_variants(connection, {*variant_ids, *_variants_of_sweeps(connection, _update_places(connection))})


def measured_in(connection: Connection, environment_keys: Collection[str]) -> set[int]:
    """Return the variants that were measured in some environments."""
    query = select(measurements.c.variant_id).where(measurements.c.environment_key.in_(sorted(environment_keys)))
    return set(connection.execute(query.distinct()).scalars()) if environment_keys else set()


def rebuild(connection: Connection) -> None:
    """Compute the derived tables anew, all of them."""
    _lock(connection)
    for table in (result_points, point_scopes, sweep_places):
        connection.execute(delete(table))
    _update_places(connection)
    _refresh_variants(connection, set(connection.execute(select(variants.c.variant_id)).scalars()))


def differences(connection: Connection) -> int:
    """Return how many rows of the derived tables are not as they would be if they were computed now."""
    count = _different(connection, select(sweep_places), _measured_places(), {})
    known = connection.execute(select(variants.c.variant_id)).scalars().all()
    columns = [result_points.c[name] for name in _COMPUTED]
    for some in _pieces(known, _VARIANTS_AT_ONCE):
        kept = select(*columns).where(_OF_VARIANTS.stored)
        count += _different(connection, kept, _OF_VARIANTS.points, {"of_variants": some})
    misplaced: int = connection.execute(_misplaced()).scalar_one()
    return count + misplaced


# How they are computed ------------------------------------------------------------------------------------------------


class _Part:
    """Whole groups of points: none of them shares a pool, a choice or a measurement with one outside."""

    def __init__(
        self, stored: ColumnElement[bool], measured: ColumnElement[bool], published: ColumnElement[bool] | None
    ) -> None:
        self.stored = stored
        rows = measured_results().add_columns(sweep_jobs.c.sweep_id).where(measured)
        if published is None:
            self.rows = rows.subquery("touched")
        else:
            nowhere = cast(null(), BigInteger).label("sweep_id")
            theirs = published_as_results().add_columns(nowhere).where(published)
            self.rows = union_all(rows, theirs).subquery("touched")


def _points(part: _Part) -> Select[Any]:
    """Query the points of a part, with all columns that are computed but the scope's number."""
    points = variant_results(_in_pools(part.rows), _POOL).subquery("points")
    return with_choice(points, (*POINT_COLUMNS, *_POOL), _POOL)


#: Rows are pooled where these are equal: over all results, or over a sweep's.
_POOL: Final = ("of_all", "sweep_id")
_COMPUTED: Final = (*POINT_COLUMNS, *_POOL, "native", *(f"{mode}_competes" for mode in MODES), "best", "chosen_from")


def _in_pools(rows: FromClause) -> Subquery:
    """Put every row into the pool of all results and, where several sweeps share its configuration, into its sweep's.

    A configuration that one sweep alone trained has the very same points in both pools: they are its sweep's, too.
    """
    configuration = [rows.c[name] for name in TRAINED]
    first, last = (one(rows.c.sweep_id).over(partition_by=configuration) for one in (func.min, func.max))
    marked = select(rows, case((first < last, 1), else_=0).label("shared")).subquery("marked")
    pools = union_all(select(literal(1).label("of_all")), select(literal(0))).subquery("pools")
    m, of_all = marked.c, pools.c.of_all
    sweep = case(((m.shared == 1) & (of_all == 1), null()), else_=m.sweep_id).label("sweep_id")
    columns = [column for column in m if column.name not in {"sweep_id", "shared"}]
    belongs = (of_all == 1) | (m.shared == 1)
    return select(*columns, sweep, of_all).join_from(marked, pools, belongs).subquery("in_pools")


def _scope_key(points: FromClause) -> ColumnElement[str]:
    return scope_key({name: points.c[name] for name in SCOPE})


class _Statements(_Part):
    """What replaces the points of a part; made once, since making them takes longer than most of their runs."""

    def __init__(
        self, stored: ColumnElement[bool], measured: ColumnElement[bool], published: ColumnElement[bool] | None = None
    ) -> None:
        super().__init__(stored, measured, published)
        self.points = _points(self)
        computed = self.points.subquery("computed")
        scope = select(point_scopes.c.scope_id).where(point_scopes.c.scope_key == _scope_key(computed))
        self.delete = delete(result_points).where(stored)
        self.insert = insert(result_points).from_select(
            [*_COMPUTED, "scope_id"], select(computed, scope.scalar_subquery())
        )
        self.unnumbered = and_(stored, result_points.c.scope_id.is_(None))


_OF_CONFIGURATION: Final = _Statements(
    and_(
        result_points.c.source == "measured",
        *(result_points.c[one] == bindparam(f"of_{one}") for one in TRAINED),
    ),
    and_(*(trainings.c[one] == bindparam(f"of_{one}") for one in TRAINED)),
)
_OF_VARIANTS: Final = _Statements(
    *(
        table.c.variant_id.in_(bindparam("of_variants", expanding=True))
        for table in (result_points, trainings, published_results)
    )
)


def _write(connection: Connection, part: _Statements, values: Mapping[str, Any]) -> None:
    connection.execute(part.delete, values)
    connection.execute(part.insert, values)
    unnumbered = select(result_points.c.point_id).where(part.unnumbered).limit(1)
    if connection.execute(unnumbered, values).first():
        keys = select(_scope_key(result_points)).where(part.unnumbered).distinct()
        new = insert_into(connection, point_scopes).from_select(["scope_key"], keys).on_conflict_do_nothing()
        connection.execute(new, values)
        connection.execute(_numbering().where(part.unnumbered), values)


def _numbering() -> Update:
    own = select(point_scopes.c.scope_id).where(point_scopes.c.scope_key == _scope_key(result_points))
    return update(result_points).values(scope_id=own.scalar_subquery())


def _misplaced() -> Select[Any]:
    """Count the points whose scope has another number, or none."""
    own = point_scopes.c.scope_id == result_points.c.scope_id
    joined = result_points.outerjoin(point_scopes, own)
    wrong = func.coalesce(point_scopes.c.scope_key, "") != _scope_key(result_points)
    return select(func.count()).select_from(joined).where(wrong)


def _refresh_variants(connection: Connection, variant_ids: Collection[int]) -> None:
    for some in _pieces(sorted(variant_ids), _VARIANTS_AT_ONCE):
        _write(connection, _OF_VARIANTS, {"of_variants": some})


def _different(connection: Connection, stored: Select[Any], computed: Select[Any], values: Mapping[str, Any]) -> int:
    """Count the rows that only one of two queries gives; their repetitions, too."""
    counts = [select(func.count()).select_from(one.subquery()) for one in (stored, computed)]
    numbers = [connection.execute(count, values).scalar_one() for count in counts]
    only = [one.except_(other).subquery() for one, other in ((stored, computed), (computed, stored))]
    rows = [connection.execute(select(func.count()).select_from(one), values).scalar_one() for one in only]
    return max(sum(rows), abs(numbers[0] - numbers[1]))


# Places and variants --------------------------------------------------------------------------------------------------


def _measured_places(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Query where sweeps have measured."""
    return (
        select(sweep_jobs.c.sweep_id, measurements.c.environment_key)
        .join_from(measurements, sweep_jobs, sweep_jobs.c.fingerprint == measurements.c.fingerprint)
        .where(*conditions)
        .distinct()
    )


def _update_places(connection: Connection, sweep_id: int | None = None) -> set[int]:
    """Bring the places of one sweep or of all up to date, and return the sweeps whose places changed."""
    stored, measured = select(sweep_places), _measured_places()
    if sweep_id is not None:
        stored = stored.where(sweep_places.c.sweep_id == sweep_id)
        measured = measured.where(sweep_jobs.c.sweep_id == sweep_id)
    before = {(sweep, place) for sweep, place in connection.execute(stored)}
    now = {(sweep, place) for sweep, place in connection.execute(measured)}
    for sweep, place in before - now:
        gone = (sweep_places.c.sweep_id == sweep) & (sweep_places.c.environment_key == place)
        connection.execute(delete(sweep_places).where(gone))
    _keep_places(connection, now - before)
    return {sweep for sweep, _ in before ^ now}


def _keep_places(connection: Connection, places: Iterable[tuple[int, str]]) -> None:
    for sweep, place in places:
        connection.execute(insert(sweep_places).values(sweep_id=sweep, environment_key=place))


_MEASURED: Final = select(measurements.c.variant_id).where(
    measurements.c.fingerprint.in_(bindparam("jobs", expanding=True))
)
_EVALUATED: Final = (
    select(trainings.c.variant_id)
    .join_from(evaluations, trainings, trainings.c.fingerprint == evaluations.c.training)
    .where(evaluations.c.fingerprint.in_(bindparam("jobs", expanding=True)))
)


def _variants_of(connection: Connection, query: Select[Any], fingerprints: Collection[str]) -> Iterator[int]:
    for some in _pieces(sorted(fingerprints), _CHUNK):
        yield from connection.execute(query.distinct(), {"jobs": some}).scalars()


def _variants_of_sweeps(connection: Connection, sweep_ids: Collection[int]) -> set[int]:
    """Return the variants that some sweeps tested."""
    query = (
        select(trainings.c.variant_id)
        .join_from(sweep_jobs, evaluations, evaluations.c.fingerprint == sweep_jobs.c.fingerprint)
        .join(trainings, trainings.c.fingerprint == evaluations.c.training)
        .distinct()
    )
    return {
        variant
        for sweep_id in sweep_ids
        for variant in connection.execute(query.where(sweep_jobs.c.sweep_id == sweep_id)).scalars()
    }


def _pieces(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
