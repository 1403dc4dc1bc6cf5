"""${message}.

Views are dropped before and created anew after every upgrade (``db.views``); a script changes tables only.
"""

import sqlalchemy as sa
from alembic import op

from db.column_types import IDENTITY, JsonText, UtcDateTime

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "pass"}
