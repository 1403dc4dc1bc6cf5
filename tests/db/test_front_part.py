"""What a page reads of a front: as much of the points as it shows, and true counts of the rest."""

import dataclasses
import itertools
from collections import Counter, defaultdict

import pytest

from db.front_part import LeftOut
from db.front_views import MODES, SCENARIOS, SCOPE
from tests.db.example_rows import CPU, GPU
from tests.db.test_points import RESOLUTIONS, VARIANTS, Writer

#: Some are answered from the stored points, some are pooled anew.
FILTERS = (
    "",
    "group_size=16",
    "train_resolution=half width<1",
    "device=none",
    "seed=1",
    "top1_mean>80",
    "source=measured",
)
_CONFIGURATION = (
    "variant_id",
    "dataset_id",
    "train_resolution",
    "recipe_digest",
    "precision",
    "test_resolution",
    "fine_tune_digest",
)


@pytest.fixture(scope="module")
def written(shared_store, shared_reader):
    """What reads a database into which several sweeps wrote at random."""
    writer = Writer(shared_store, 11)
    for _ in range(50):
        writer.write()
    leave_out(writer.sweeps[1])
    return shared_reader


def leave_out(sweep):
    """Test networks that were disturbed while measured, one of them not always, or noisy, or never measured."""
    networks = [dataclasses.replace(VARIANTS[0], width=width) for width in (0.5, 0.75, 1.0, 1.25)]
    for variant in networks:
        run = sweep.train(("left out", variant), variant=variant)
        for resolution in RESOLUTIONS:
            sweep.evaluate(run, test_resolution=resolution)
    for variant, verdict in zip(networks, ("contended", "contended", "noisy"), strict=False):
        for mode, resolutions in (("train", (20,)), ("inference", RESOLUTIONS)):
            for resolution in resolutions:
                sweep.measure(variant=variant, mode=mode, resolution=resolution, verdict=verdict)
    sweep.measure(variant=networks[1], mode="inference", resolution=24)


def scope_of(row):
    return tuple(row[name] for name in SCOPE)


def cases(*scenarios):
    """Each mode with each scenario and with each filter; each filter with two scenarios."""
    chosen = [(text, None) for text in FILTERS] + [("", "sweep 2"), ("width<1", "sweep 2")]
    wanted = scenarios or SCENARIOS
    return [
        (mode, wanted[(number + turn) % len(wanted)], *one)
        for turn, mode in enumerate(MODES)
        for number, one in enumerate(chosen)
    ]


def behind(point, points):
    """By how much the best of what is as fast or faster is more accurate."""
    faster = [
        other["top1_ppm"]
        for other in points
        if scope_of(other) == scope_of(point)
        and (other["images_per_second"], other["top1_ppm"]) > (point["images_per_second"], point["top1_ppm"])
    ]
    return max([*faster, point["top1_ppm"]]) - point["top1_ppm"]


def test_scopes_count_the_points_of_each_data_set_and_place(written):
    seen = 0
    for mode, scenario, text, sweep in cases():
        points = written.points(mode, scenario, sweep=sweep, filter_text=text)
        scopes = written.part(mode, scenario, sweep=sweep, filter_text=text).scopes()
        counted = {scope_of(scope): scope["points"] for scope in scopes}
        assert counted == {one: sum(scope_of(row) == one for row in points) for one in map(scope_of, points)}
        assert len(counted) == len(scopes)
        told = {(*scope_of(row), row["train_images"], row["test_images"]) for row in points}
        assert {(*scope_of(one), one["train_images"], one["test_images"]) for one in scopes} == told
        seen += len(scopes)
    assert seen > 15


@pytest.mark.parametrize("rest", ["", "group_size=16", "seed=1"])
def test_a_sweep_that_a_filter_names_is_that_sweep(written, rest):
    """Pooled anew for a list of sweeps; stored for one."""
    for mode, scenario in itertools.product(MODES, SCENARIOS):
        points = written.points(mode, scenario, sweep="sweep 2", filter_text=rest)
        for text in ('sweep="sweep 2"', 'sweep in ("sweep 2")'):
            require_same(written.points(mode, scenario, filter_text=f"{rest} {text}"), points)
        assert written.points(mode, scenario, sweep="sweep 1", filter_text=f'{rest} sweep="sweep 2"') == []


def require_same(found, expected):
    """The same points in the same order; equals among them in any."""
    assert sorted(map(str, found)) == sorted(map(str, expected))
    order = [(-row["top1_ppm"], row["images_per_second"]) for row in found]
    assert order == sorted(order)


def test_the_whole_front_and_the_nearest_others_are_read_and_nothing_else(written):
    cut = 0
    for mode, scenario, text, sweep in cases():
        part = written.part(mode, scenario, sweep=sweep, filter_text=text, noisy=True)
        scopes = part.scopes()
        points = written.points(mode, scenario, sweep=sweep, filter_text=text, noisy=True)
        require_same(part.nearest(scopes), points)
        for chosen in (scopes[:1], scopes):
            inside = [row for row in points if scope_of(row) in {scope_of(one) for one in chosen}]
            front = [row for row in inside if row["on_front"]]
            require_same(part.nearest(chosen, 0), front)
            found = part.nearest(chosen, 2)
            require_same([row for row in inside if row in found], found)
            require_same([row for row in found if row["on_front"]], front)
            missed = sorted(behind(row, inside) for row in inside if not row["on_front"])
            assert sorted(behind(row, inside) for row in found if not row["on_front"]) == missed[:2]
            cut += len(missed) > 2
    assert cut > 6


def test_families_are_those_of_the_points_in_a_scope(written):
    for mode, scenario, text, sweep in cases():
        part = written.part(mode, scenario, sweep=sweep, filter_text=text)
        points = written.points(mode, scenario, sweep=sweep, filter_text=text)
        for scope in part.scopes():
            found = part.families([scope])
            told = {tuple(row[name] for name in found[0]) for row in points if scope_of(row) == scope_of(scope)}
            assert len(found) == len(told)
            assert {tuple(row.values()) for row in found} == told


def test_what_is_left_out_of_a_place_is_counted_once_and_for_one_reason(written):
    """Beside the rows of ``results``, counted one by one."""
    counted = Counter()
    for (mode, _, text, sweep), noisy in itertools.product(cases("all"), (False, True)):
        if text.startswith("top1_mean"):
            continue
        part = written.part(mode, "all", sweep=sweep, filter_text=text, noisy=noisy)
        points = written.points(mode, "all", sweep=sweep, filter_text=text, noisy=noisy)
        rows = [row for row in written.view(sweep=sweep, filter_text=text) if row["source"] == "measured"]
        for scope in part.scopes(greyed=True):
            found = part.left_out([scope])
            if scope["source"] == "published":
                assert found == LeftOut(0, 0, 0, 0)
                continue
            drawn = {key(row) for row in points if scope_of(row) == scope_of(scope)}
            here = [row for row in rows if scope_of(row) == scope_of(scope) or is_nowhere(row, scope)]
            verdicts = verdicts_of(here, mode)
            unsure = verdicts["noisy"] - drawn
            disturbed = verdicts["contended"] - drawn - unsure
            missing = verdicts[None] - drawn - disturbed - unsure
            assert found == LeftOut(noisy=len(unsure), contended=len(disturbed), stale=0, waiting=len(missing))
            assert not (noisy and found.noisy)
            counted.update(dataclasses.asdict(found))
    assert min(counted[one] for one in ("noisy", "contended", "waiting")) > 10


def test_what_was_measured_and_does_not_compete_is_greyed(written):
    seen = Counter()
    for (mode, scenario, text, sweep), noisy in itertools.product(cases(), (False, True)):
        part = written.part(mode, scenario, sweep=sweep, filter_text=text, noisy=noisy)
        for scope in part.scopes(greyed=True):
            points, greyed = part.nearest([scope]), part.greyed([scope], 100)
            assert len(points) == scope["points"]
            assert not any(row["on_front"] for row in greyed)
            assert set(greyed[0] if greyed else points[0]) == set(points[0] if points else greyed[0])
            verdicts = Counter(row[f"{mode}_verdict"] for row in greyed)
            assert set(verdicts) <= ({"contended"} if noisy else {"contended", "noisy"})
            assert not {key(row) for row in greyed} & {key(row) for row in points}
            assert [row["top1_ppm"] for row in greyed] == sorted((row["top1_ppm"] for row in greyed), reverse=True)
            assert [row["top1_ppm"] for row in part.greyed([scope], 1)] == [row["top1_ppm"] for row in greyed[:1]]
            assert part.counted_greyed([scope]) == len(greyed)
            seen += verdicts
        everything = written.part(mode, scenario, sweep=sweep, filter_text=text, noisy=True)
        if not noisy:
            more = sum(one["points"] for one in everything.scopes()) - sum(one["points"] for one in part.scopes())
            some = part.greyed(part.scopes(greyed=True), 1000)
            assert more == sum(row[f"{mode}_verdict"] == "noisy" for row in some)
    assert min(seen["noisy"], seen["contended"]) > 10


def verdicts_of(rows, mode):
    """Verdict → the configurations of which a row has it; how fast a training is does not depend on its tests."""
    found = defaultdict(set)
    for row in rows:
        found[row[f"{mode}_verdict"]].add(key(row))
    for row in rows if mode == "train" else ():
        for verdict in ("noisy", "contended"):
            if row["device"] is not None and trained(row) in {one[:-2] for one in found[verdict]}:
                found[verdict].add(key(row))
    return found


def key(row):
    return tuple(row[name] for name in _CONFIGURATION)


def trained(row):
    return key(row)[:-2]


def is_nowhere(row, scope):
    return row["device"] is None and all(row[name] == scope[name] for name in ("dataset", "dataset_id"))


def test_an_empty_database_has_no_scopes(reader):
    part = reader.part("train", "best")
    assert part.scopes() == []
    assert part.nearest([], 10) == []
    assert part.families([]) == []
    assert part.left_out([]) == LeftOut(0, 0, 0, 0)
    assert part.greyed([], 10) == []


def test_equal_points_of_a_front_are_all_read(sweep, reader):
    """Two networks that are as accurate and as fast, and one that is beaten, on two devices."""
    for number, variant in enumerate(VARIANTS):
        sweep.evaluate(
            sweep.train(number, variant=variant), test_resolution=RESOLUTIONS[0], correct=8000 - (number == 2)
        )
        for place in (CPU, GPU):
            sweep.measure(variant=variant, environment=place, images_per_second=1000.0)
    part = reader.part("train", "best")
    assert [scope["points"] for scope in part.scopes()] == [3, 3]
    for scope in part.scopes():
        assert [row["on_front"] for row in part.nearest([scope], 0)] == [True, True]
        assert [row["on_front"] for row in part.nearest([scope], 1)] == [True, True, False]


@pytest.mark.parametrize("text", ["", "group_size=16", "seed=1", "source=measured top1>80", "group_size=99"])
@pytest.mark.parametrize("sweep", [None, "sweep 2"])
def test_rows_of_results_are_counted_up_to_a_limit(written, text, sweep):
    number = len(written.view(sweep=sweep, filter_text=text))
    assert (number > 0) == (text != "group_size=99")
    for most in (1, number, number + 1, 10 * number + 1):
        if most:
            assert written.count(sweep=sweep, filter_text=text, most=most) == min(number, most)


def test_near_is_what_is_little_less_accurate_not_what_is_fast(sweep, reader):
    told = [(1000.0, 8010), (995.0, 8000), (990.0, 8009)]
    for number, (variant, (throughput, correct)) in enumerate(zip(VARIANTS, told, strict=True)):
        sweep.evaluate(sweep.train(number, variant=variant), test_resolution=24, correct=correct)
        sweep.measure(variant=variant, images_per_second=throughput)
    for text in ("", "seed=0"):
        part = reader.part("train", "best", filter_text=text)
        assert [row["images_per_second"] for row in part.nearest(part.scopes(), 1)] == [1000.0, 990.0]
