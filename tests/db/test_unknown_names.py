"""A user's statement with a name that is not there is answered with the name that was meant, on both engines."""

import pytest

from db.errors import UserQueryError
from db.user_sql import run


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("SELECT grupo_size FROM results", "Did you mean 'group_size'? One SELECT"),
        ("SELECT r.traning_run FROM results AS r", "Did you mean 'training_run'? One SELECT"),
        ("SELECT 1 FROM reslts", "Did you mean 'results'? One SELECT"),
        ("SELECT xyzzy FROM results", "One SELECT"),
        ("SELECT 1 FROM WHERE", "One SELECT"),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_one_like_it(url, statement, hint):
    with pytest.raises(UserQueryError) as refused:
        run(url, statement)
    assert refused.value.hint.startswith(hint)
