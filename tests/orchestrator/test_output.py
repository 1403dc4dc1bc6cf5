"""Rows as LaTeX, and the commands that write them."""

from __future__ import annotations

import json
import re

import pytest

from db import recipes
from db.publications import read_csv
from db.store import open_store
from orchestrator.cli import run
from orchestrator.latex import escaped, tabular
from orchestrator.output import print_rows
from tests.db.test_publications import PAPER
from workers.protocol.variant import HALF_RESOLUTION, NATIVE_RESOLUTION


@pytest.fixture
def url(tmp_path):
    """A database that holds the paper's points."""
    found = f"sqlite:///{tmp_path / 'store.db'}"
    store = open_store(found)
    store.put_publication("paper", "imagenet", read_csv(PAPER, NATIVE_RESOLUTION, HALF_RESOLUTION))
    store.close()
    return found


def table_of(text):
    """Read a table as LaTeX does: columns' alignment, head, rows of cells; braces and the environment must close."""
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    opening = re.fullmatch(r"\\begin\{tabular\}\{([lr]+)\}", lines[0])
    assert lines[1] == r"\toprule"
    assert lines[3] == r"\midrule"
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    rows = [re.fullmatch(r"(.*) \\\\", line)[1] for line in (lines[2], *lines[4:-2])]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)&", row)] for row in rows]
    assert {len(row) for row in cells} == {len(opening[1])}
    unescaped = re.sub(r"\\[{}]", "", text)
    assert unescaped.count("{") == unescaped.count("}")
    return opening[1], cells[0], cells[1:]


# LaTeX ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("100 %", r"100 \%"),
        ("ln+pn", "ln+pn"),
        ("top_1 & #2", r"top\_1 \& \#2"),
        ("$5 {x}", r"\$5 \{x\}"),
        ("a\\b~c^d", r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d"),
        ("±1×2", r"$\pm$1$\times$2"),
        ("6.2–7.1 −3 …", r"6.2--7.1 $-$3 \ldots{}"),
        ("a<b>c|d", r"a\textless{}b\textgreater{}c\textbar{}d"),
        ("[a]*", "{[}a]{*}"),
        ("two\nlines", "two lines"),
    ],
)
def test_every_character_is_printed_as_it_is_and_does_nothing(text, latex):
    assert escaped(text) == latex


def test_a_table_has_rules_heads_and_numbers_on_the_right():
    found = tabular(["name", "top-1 %"], [["a_b", "1.50"], ["c", "-2.00"]], [False, True], "size b0\n\\end{tabular}")
    assert found == (
        "% needs \\usepackage{booktabs}\n"
        "% size b0\n"
        "% \\end{tabular}\n"
        "\\begin{tabular}{lr}\n"
        "\\toprule\n"
        "name & top-1 \\% \\\\\n"
        "\\midrule\n"
        "a\\_b & 1.50 \\\\\n"
        "c & $-$2.00 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
    )


def test_heads_have_units_and_cells_the_digits_of_the_terminal(capsys):
    rows = [
        {"device": "A&B 100%", "top1": 81.2345, "train_images_per_second": 1234.56, "params": 5_288_548, "small": True},
        {"device": None, "top1": 7.0, "train_images_per_second": None, "params": 1, "small": False},
    ]
    print_rows(rows, list(rows[0]), "latex")
    alignment, heads, cells = table_of(capsys.readouterr().out)
    assert alignment == "lrrrl"
    assert heads == ["device", r"top-1 \%", "train img/s", "params", "small"]
    assert cells == [[r"A\&B 100\%", "81.23", "1234.6", "5,288,548", "yes"], ["", "7.00", "", "1", "no"]]


def test_a_front_in_latex_has_the_columns_of_the_terminal_and_says_the_rest_in_a_comment(url, capsys):
    arguments = ["--db", url, "front", "--mode", "train", "--filter", "source=published"]
    assert run([*arguments, "--format", "latex"]) == 0
    text = capsys.readouterr().out
    alignment, heads, cells = table_of(text)
    assert "train front, scenario best" in text.splitlines()[1]
    assert (alignment[0], heads[0], heads[-1]) == ("l", "series", "img/s")
    assert run([*arguments, "--json"]) == 0
    assert [row[0] for row in cells] == [row["series"] for row in json.loads(capsys.readouterr().out)]


def test_results_in_latex_leave_out_what_all_rows_share(url, capsys):
    assert run(["--db", url, "results", "--filter", "series=G1-GN-Baseline", "--format", "latex"]) == 0
    text = capsys.readouterr().out
    _, heads, cells = table_of(text)
    assert "norm gn" in text.splitlines()[1]
    assert "norm" not in heads
    assert len(cells) > 3


PAIR = ["--mode", "train", "--baseline", "series=G1-GN-Baseline", "--candidate", "series=G16-LN+PN-Half"]


@pytest.mark.parametrize("form", ["latex", "csv", "markdown"])
def test_a_speed_up_is_written_in_every_format(url, capsys, form):
    assert run(["--db", url, "speedup", *PAIR, "--format", form]) == 0
    text = capsys.readouterr().out
    if form == "latex":
        alignment, heads, cells = table_of(text)
        assert (alignment[:2], heads[:2]) == ("rr", [r"top-1 \%", "speed-up"])
        assert ["82.84", "6.84"] in [row[:2] for row in cells]
    else:
        assert "speedup" in text.splitlines()[0]
        assert re.search(r"82\.84.*6\.84", text)


def test_a_speed_up_in_json_is_the_same_either_way(url, capsys):
    assert run(["--db", url, "speedup", *PAIR, "--format", "json"]) == 0
    one = capsys.readouterr().out
    assert run(["--db", url, "speedup", *PAIR, "--json"]) == 0
    assert capsys.readouterr().out == one


def test_fronts_without_a_common_accuracy_make_an_empty_table_and_a_reason(url, capsys):
    pair = [*PAIR[:2], "--baseline", "model_size=b0 group_size=1 norm=gn", "--candidate", "model_size=b5 norm=ln+pn"]
    assert run(["--db", url, "speedup", *pair, "--format", "latex"]) == 0
    told = capsys.readouterr()
    assert table_of(told.out)[2] == []
    assert "none can be told" in told.err


# recipes ----------------------------------------------------------------------------------------------------------


def test_recipes_are_listed_with_a_line_each(url, capsys):
    assert run(["--db", url, "sql", "--recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for recipe in recipes.RECIPES.values():
        assert sum(recipe.name in line and recipe.question in line for line in lines) == 1


def test_a_recipe_s_text_can_be_run_as_a_file(url, capsys, tmp_path):
    assert run(["--db", url, "sql", "--recipes", "training-front"]) == 0
    (tmp_path / "mine.sql").write_text(capsys.readouterr().out, encoding="utf-8")
    assert run(["--db", url, "sql", "--file", str(tmp_path / "mine.sql"), "--json"]) == 0
    mine = capsys.readouterr().out
    assert run(["--db", url, "sql", "--recipe", "training-front", "--json"]) == 0
    assert capsys.readouterr().out == mine
    assert len(json.loads(mine)) > 3


def test_recipes_are_data_too(url, capsys):
    assert run(["--db", url, "sql", "--recipes", "--format", "json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(recipes.RECIPES)


@pytest.mark.parametrize("option", ["--recipe", "--recipes"])
def test_an_unknown_recipe_is_bad_input(url, capsys, option):
    assert run(["--db", url, "sql", option, "slot-hour"]) == 2
    assert "Did you mean 'slot-hours'" in capsys.readouterr().err


def test_one_question_at_a_time(url, capsys):
    assert run(["--db", url, "sql", "SELECT 1", "--recipe", "failures"]) == 2
    assert "give one statement, --file or --recipe" in capsys.readouterr().err
