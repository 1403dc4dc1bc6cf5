"""The derived tables are, after whatever was written, what they would be if they were computed from nothing."""

import contextlib
import dataclasses
import datetime as dt
import functools
import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Boolean, Double, Integer, String, delete, select, update

from db import filters, fronts, points, upkeep, views
from db.bundles.exporting import export
from db.bundles.merging import bring_in
from db.column_types import UtcDateTime
from db.derived_tables import POINT_COLUMNS, point_scopes, result_points, sweep_places
from db.engine import open_write_engine
from db.front_views import MODES, SCENARIOS
from db.reader import open_reader
from db.records import PublishedRecord, VariantRecord
from db.store import open_store
from db.tables import sweeps
from db.urls import parse_url
from db.variant_results_view import variant_results
from tests.db.example_rows import CPU, FASHION, GPU, Sweep, digest, evaluation, job, measurement
from tests.db.golden_databases import load

VARIANTS = [
    VariantRecord(model_size="b0", group_size=group, expansion=4, norm=norm, width=0.25, small_images=True)
    for group, norm in ((1, "gn"), (16, "gn"), (16, "ln+pn"))
]
#: The same processor with other software: two environments, one place.
NEWER = dataclasses.replace(CPU, environment_key="d" * 32, software={"torch": "2.11"})
RESOLUTIONS = (24, 28, 32)
NUMBERS = {"point_id", "scope_id"}
START = dt.datetime(2026, 1, 31, tzinfo=dt.timezone.utc)
#: Made once, as below: making such a statement takes longer than running it on a few rows.
VARIANT_RESULTS_ANEW = variant_results(views.RESULTS)


@pytest.fixture
def engine(url, store):  # noqa: ARG001  # whose schema it is
    opened = open_write_engine(parse_url(url))
    yield opened
    opened.dispose()


def content(connection, table=result_points):
    """Rows as text, without the numbers that differ from one time to the next."""
    rows = connection.execute(select(table)).mappings()
    return sorted(str([(name, row[name]) for name in row if name not in NUMBERS]) for row in rows)


def rows(connection, query):
    return sorted(map(str, connection.execute(query).all()))


def require_true(engine):
    """What is stored equals what the whole of the results, and of each sweep's, comes to; so do the fronts of all."""
    with engine.connect() as connection:
        assert rows(connection, select(views.VARIANT_RESULTS)) == rows(connection, VARIANT_RESULTS_ANEW)
        for sweep in (None, *connection.execute(select(sweeps.c.name)).scalars()):
            kept = select(*(result_points.c[name] for name in POINT_COLUMNS)).where(fronts.stored(sweep))
            assert rows(connection, kept) == rows(connection, select(pooled_anew(sweep)))
        for mode, front in zip(MODES, (views.TRAINING_FRONT, views.INFERENCE_FRONT), strict=True):
            general = [row for scenario in SCENARIOS for row in rows(connection, judged_anew(front, mode, scenario))]
            assert rows(connection, select(front)) == sorted(general)
        assert points.differences(connection) == 0
        before = (content(connection), content(connection, sweep_places))
        points.rebuild(connection)
        assert (content(connection), content(connection, sweep_places)) == before
        connection.rollback()


@functools.cache
def pooled_anew(sweep):
    """The points of a sweep, or of all results, pooled from the rows of ``results``."""
    every = select(views.RESULTS)
    chosen = every if sweep is None else every.where(views.RESULTS.c.sweep == sweep)
    return variant_results(chosen.subquery("rows")).subquery("pooled")


@functools.cache
def judged_anew(front, mode, scenario):
    """The front of a scenario as the general rule has it, with the columns of a view."""
    judged = fronts.judged_points(pooled_anew(None), mode, scenario).subquery()
    return select(*(judged.c[one.name] for one in front.c)).where(judged.c.on_front == 1)


class Writer:
    """Writes at random, as several sweeps that share jobs do."""

    def __init__(self, store, seed):
        self.random = random.Random(seed)
        self.store = store
        self.sweeps = [Sweep(store, name=f"sweep {number}", number=number) for number in (1, 2, 3)]
        store.put_environment(NEWER)

    def write(self):
        steps = (self.test, self.test, self.test, self.measure, self.measure, self.share, self.drop, self.publish)
        self.random.choice((*steps, self.repeat))()

    def test(self):
        draw = self.random
        variant, seed, train_resolution, recipe, validation, whole = (
            draw.choice(VARIANTS),
            draw.randrange(3),
            draw.choice((20, 28)),
            draw.choice(("short", "long")),
            draw.choice((0, 1000)),
            draw.random() < 0.2,
        )
        number = (VARIANTS.index(variant), seed, train_resolution, recipe, validation, whole)
        dataset = dataclasses.replace(FASHION, validation_images=validation, train_images=None if whole else 12000)
        sweep = draw.choice(self.sweeps)
        run = sweep.train(
            number,
            variant=variant,
            seed=seed,
            train_resolution=train_resolution,
            recipe_digest=digest(recipe),
            dataset=dataset,
        )
        for resolution in draw.sample(RESOLUTIONS, draw.randint(0, 3)):
            sweep.evaluate(
                run,
                test_resolution=resolution,
                correct=draw.randint(8000, 8003),
                validation_images=validation,
                validation_correct=draw.randint(min(validation, 800), min(validation, 803)),
                **draw.choice(({}, {"fine_tune_layers": "none", "fine_tune_digest": digest("nothing")})),
            )

    def measure(self):
        draw, mode = self.random, self.random.choice(MODES)
        draw.choice(self.sweeps).measure(
            environment=draw.choice((CPU, GPU, NEWER)),
            variant=draw.choice(VARIANTS),
            mode=mode,
            resolution=draw.choice((20, 28) if mode == "train" else RESOLUTIONS),
            images_per_second=draw.choice((990.0, 1000.0, 1010.0)),
            verdict=draw.choice(("clean", "noisy", "contended")),
        )

    def repeat(self):
        """Do an evaluation again, with another outcome."""
        sweep = self.random.choice(self.sweeps)
        tested = [job for job in sweep.jobs if job.stage == "evaluate"]
        if tested:
            job = self.random.choice(tested)
            self.store.requeue([job.fingerprint], from_states=["done"])
            attempt = sweep.claim(job)
            record = evaluation(job.depends_on, test_resolution=self.random.choice(RESOLUTIONS), correct=8001)
            assert self.store.finish_evaluation(job.fingerprint, attempt, record)

    def share(self):
        """Let a sweep ask for jobs of another, which have results already."""
        one, other = self.random.sample(self.sweeps, 2)
        one.ask(*self.random.sample(other.jobs, self.random.randint(0, len(other.jobs))))

    def drop(self):
        """Let a sweep ask for fewer jobs than before."""
        sweep = self.random.choice(self.sweeps)
        sweep.jobs = self.random.sample(sweep.jobs, self.random.randint(len(sweep.jobs) // 2, len(sweep.jobs)))
        sweep.ask()

    def publish(self):
        draw = self.random
        records = [
            PublishedRecord(
                series=draw.choice(("S", "T")),
                variant=draw.choice(VARIANTS),
                train_resolution=28,
                test_resolution=draw.choice((None, *RESOLUTIONS)),
                native_resolution=28,
                half_resolution=20,
                fine_tuned=draw.random() < 0.5,
                top1_ppm=draw.randint(800_000, 800_003),
                params=None,
                train_macs=None,
                train_images_per_second=draw.choice((None, 10.0, 20.0)),
                inference_images_per_second=draw.choice((None, 10.0, 20.0)),
                slot_kind=None,
                device="Abacus",
            )
            for _ in range(draw.randint(0, 4))
        ]
        self.store.put_publication(draw.choice(("one", "two")), "imagenet", records)


def test_after_any_writes_the_points_are_those_of_all_results(store, engine):
    writer = Writer(store, 0 if engine.dialect.name == "sqlite" else 1)
    for _ in range(45):
        writer.write()
        require_true(engine)
    with engine.connect() as connection:
        assert len(content(connection)) > 20


def test_the_table_has_the_columns_of_the_query_that_defines_it():
    defined = variant_results(views.RESULTS).selected_columns
    assert [one.name for one in defined] == list(POINT_COLUMNS)
    for one in defined:
        kinds = (Integer, Double, Boolean, UtcDateTime, String)
        assert [isinstance(one.type, kind) for kind in kinds] == [
            isinstance(result_points.c[one.name].type, kind) for kind in kinds
        ], one.name


def test_a_first_measurement_in_a_place_makes_points_of_all_of_its_sweeps_networks(sweep, engine):
    for number, variant in enumerate(VARIANTS):
        sweep.evaluate(sweep.train(number, variant=variant))
    sweep.measure(variant=VARIANTS[0])
    sweep.measure(variant=VARIANTS[0], environment=GPU)
    require_true(engine)
    with engine.connect() as connection:
        assert len(content(connection)) == 2 * len(VARIANTS)


def test_a_configuration_of_one_sweep_is_stored_once_and_one_of_several_for_each(store, sweep, engine):
    other = Sweep(store, name="other", number=2)
    own, shared = sweep.train("own", recipe_digest=digest("own")), sweep.train("shared")
    sweep.evaluate(own)
    sweep.evaluate(shared)
    other.ask(*[one for one in sweep.jobs if own not in {one.fingerprint, one.depends_on}])
    require_true(engine)
    with engine.connect() as connection:
        found = connection.execute(
            select(result_points.c.recipe_digest, result_points.c.of_all, result_points.c.sweep_id)
        ).all()
    every, mine, theirs = (1, None), (0, sweep.sweep_id), (0, other.sweep_id)
    by_digest = {one: {row[1:] for row in found if row.recipe_digest == one} for one, *_ in found}
    assert by_digest == {digest("own"): {(1, sweep.sweep_id)}, digest("recipe"): {every, mine, theirs}}


def in_parallel(works):
    """Start all of them at once; raise what one of them raises."""
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [one.result() for one in [pool.submit(run, work) for work in works]]


def test_writers_that_touch_the_same_points_at_once_lose_none(url, store, engine):
    """Seeds of one configuration, the first measurements of their sweep, and another sweep that comes to share them."""
    sweep, other = Sweep(store), Sweep(store, name="other", number=2)
    trained = [sweep.train(seed, seed=seed) for seed in range(6)]
    for round_number in range(4):
        tests = [job(("evaluate", round_number, run), "evaluate", depends_on=run) for run in trained]
        places = [
            dataclasses.replace(place, environment_key=digest(round_number, place.device), device=f"{round_number}")
            for place in (CPU, GPU)
        ]
        for place in places:
            store.put_environment(place)
        measures = [
            job(("measure", place.environment_key), "measure", environment_key=place.environment_key)
            for place in places
        ]
        sweep.ask(*tests, *measures)
        attempts = [sweep.claim(one) for one in (*tests, *measures)]
        stores = [open_store(url) for _ in (*tests, *measures, other)]
        works = [
            functools.partial(
                own.finish_evaluation,
                one.fingerprint,
                attempt,
                evaluation(one.depends_on, test_resolution=24 + round_number),
            )
            for own, one, attempt in zip(stores, tests, attempts, strict=False)
        ]
        works += [
            functools.partial(
                own.finish_measurement,
                one.fingerprint,
                attempt,
                measurement(environment_key=place.environment_key),
            )
            for own, one, attempt, place in zip(
                stores[len(tests) :], measures, attempts[len(tests) :], places, strict=False
            )
        ]
        shared = list(sweep.jobs) if round_number % 2 else []
        works.append(functools.partial(stores[-1].put_jobs, other.sweep_id, shared))
        in_parallel(works)
        for own in stores:
            own.close()
        require_true(engine)


def test_what_an_import_brings_comes_to_points(url, store, engine, sqlite_url, tmp_path):
    elsewhere = open_store(sqlite_url.replace("store.db", "elsewhere.db"))
    for place, seed in ((store, 5), (elsewhere, 6)):
        writer = Writer(place, seed)
        for _ in range(25):
            writer.write()
        for sweep in writer.sweeps:
            place.end_driver(sweep.driver_id)
    elsewhere.close()
    export(sqlite_url.replace("store.db", "elsewhere.db"), tmp_path / "bundle.sqlite")
    for _ in range(2):
        bring_in(url, tmp_path / "bundle.sqlite")
        require_true(engine)
    with contextlib.closing(open_reader(f"sqlite:///{tmp_path / 'bundle.sqlite'}")) as bundle:
        assert bundle.view("variant_results")
    assert upkeep.check(f"sqlite:///{tmp_path / 'bundle.sqlite'}") == []


@pytest.mark.parametrize("kind", ["sqlite_url", "new_postgres_url"])
def test_an_upgrade_fills_the_tables(request, kind):
    url = request.getfixturevalue(kind)
    load(url, "0001")
    upkeep.upgrade(url)
    engine = open_write_engine(parse_url(url))
    require_true(engine)
    with engine.connect() as connection:
        assert content(connection)
    engine.dispose()


@pytest.mark.parametrize(
    "damage",
    [
        update(result_points).values(top1_ppm=result_points.c.top1_ppm + 1),
        update(result_points).values(best=1 - result_points.c.best),
        update(result_points).values(scope_id=None),
        update(point_scopes).values(scope_key=point_scopes.c.scope_key + "x"),
        delete(result_points).where(result_points.c.test_resolution == 24),
        delete(sweep_places),
    ],
)
def test_a_check_finds_wrong_points_and_an_upgrade_computes_them_anew(url, sweep, engine, damage):
    run = sweep.train("one")
    for resolution in (24, 28):
        sweep.evaluate(run, test_resolution=resolution)
    sweep.measure()
    assert upkeep.check(url) == []
    with engine.begin() as connection:
        connection.execute(damage)
    (problem,) = upkeep.check(url)
    assert "result_points" in problem
    assert upkeep.upgrade(url).corrected > 0
    assert upkeep.check(url) == []
    assert upkeep.upgrade(url).corrected == 0
    require_true(engine)


@pytest.fixture(scope="module")
def written(shared_url):
    """An engine on a database into which several sweeps wrote at random, many results in the same minute."""
    clock = itertools.count()
    with contextlib.closing(open_store(shared_url, lambda: START + dt.timedelta(minutes=next(clock) // 40))) as coarse:
        writer = Writer(coarse, 9)
        for _ in range(40):
            writer.write()
    engine = open_write_engine(parse_url(shared_url))
    yield engine
    engine.dispose()


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    "text",
    ["", "group_size=16", "train_resolution=half width<1", "device=none", "norm in (gn)", "top1_mean>80.01", "seeds>1"],
)
def test_a_filter_of_stored_points_gives_what_the_general_rule_gives(written, scenario, text):
    conditions = filters.parse(text, fronts.FILTERABLE)
    with written.connect() as connection:
        for mode, sweep in itertools.product(MODES, (None, "sweep 1", "sweep 2", "no such sweep")):
            pooled = pooled_anew(sweep)
            chosen = select(pooled).where(filters.where(conditions, pooled)).subquery("chosen")
            quick = connection.execute(fronts.points_query(mode, scenario, conditions, sweep)).mappings().all()
            general = connection.execute(fronts.judged_points(chosen, mode, scenario)).mappings().all()
            assert list(map(dict, quick)) == list(map(dict, general))


@pytest.mark.parametrize("sort", ["-finished_at", "top1"])
@pytest.mark.parametrize("sweep", [None, "sweep 2"])
@pytest.mark.usefixtures("written")
def test_the_first_rows_of_results_are_those_of_all_of_them(shared_reader, sort, sweep):
    order = [sort, "evaluation", "sweep", "environment_key", "series", "top1_ppm", "variant_id", "test_resolution"]
    every = shared_reader.view("results", sweep=sweep, sort=order, filter_text="group_size=16")
    assert len(every) > 5
    for limit in (1, 5, len(every), len(every) + 1):
        found = shared_reader.view("results", sweep=sweep, sort=order, filter_text="group_size=16", limit=limit)
        assert found == every[:limit]


@pytest.mark.parametrize("text", ["", "group_size=16", "test_resolution=28 device=Xeon", "norm=gn seed=1"])
@pytest.mark.parametrize("sweep", [None, "sweep 2", "no such sweep"])
@pytest.mark.usefixtures("written")
def test_the_newest_rows_are_those_of_all_of_them_also_where_many_are_as_new(shared_reader, text, sweep):
    order = ["-finished_at", "series"]
    every = shared_reader.view("results", sweep=sweep, sort=order, filter_text=text)
    assert (len(every) > 4) == (sweep != "no such sweep")
    for limit in (1, 2, 3, 5, 8, 13, len(every) or 1, len(every) + 1):
        found = shared_reader.view("results", sweep=sweep, sort=order, filter_text=text, limit=limit)
        assert [key(row) for row in found] == [key(row) for row in every[:limit]]
        assert set(map(str, found)) <= set(map(str, every))
        assert len(set(map(str, found))) == len(found)


def key(row):
    return row["finished_at"], row["series"]


def test_the_newest_rows_of_a_sweep_are_not_pushed_out_by_another_ones_seeds(store, sweep, reader):
    mine = sweep.train("mine")
    sweep.evaluate(mine)
    other = Sweep(store, name="other", number=2)
    theirs = other.train("theirs", seed=1)
    other.evaluate(theirs)
    for limit in (1, 2):
        (row,) = reader.view("results", sweep=sweep.name, sort=["-finished_at"], limit=limit)
        assert row["training_run"] == mine
