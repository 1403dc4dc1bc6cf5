"""Published results from a CSV file."""

from pathlib import Path

import pytest

from db.errors import PublishedFileError
from db.publications import read_csv
from db.reader import open_reader

PAPER = Path(__file__).parents[2] / "examples" / "published_results.csv"
HEADER = "series,model_size,group_size,expansion,norm,train_resolution,top1,hardware,train_images_per_second\n"


def test_the_papers_results_stand_beside_ours_as_a_source_of_their_own(store, url):
    records = read_csv(PAPER, native={"b5": 456}, half={"b5": 328})
    for _ in range(2):
        store.put_publication("paper", "imagenet", records)
    reader = open_reader(url)
    assert len(reader.view()) == 36
    (row,) = reader.view(filter_text="series=G16-LN+PN-Half model_size=b5")
    reader.close()
    assert (row["source"], row["top1"], row["train_images_per_second"]) == ("published", 83.8, 2960.0)
    assert (row["params"], row["train_macs"], row["test_resolution"]) == (28_820_000, 6_950_000_000, None)
    assert (row["half_resolution"], row["train_resolution"], row["sweep"]) == (328, 328, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "lacks the columns series"),
        (HEADER + "S,b0,1,6,gn,224,101,X,1\n", "top1 101 is not between"),
        (HEADER + "# comment\nS,b0,one,6,gn,224,50,X,1\n", "file.csv:3: invalid literal"),
        (HEADER + "S,b0,1,6,gn,224,50,X,nan\n", "nan images per second"),
        (HEADER + "S,b0,1,6,gn,224,fifty,X,1\n", "file.csv:2"),
        (HEADER + "S,b0,1\n", "file.csv:2"),
    ],
)
def test_a_file_that_cannot_be_read_says_which_line(tmp_path, text, message):
    path = tmp_path / "file.csv"
    path.write_text(text)
    with pytest.raises(PublishedFileError, match=message):
        read_csv(path)


def test_a_file_that_is_not_there_is_an_error_of_the_store(tmp_path):
    with pytest.raises(PublishedFileError, match="cannot read"):
        read_csv(tmp_path / "nothing.csv")
