"""Who is let in by a room's name alone, and rooms made for one meeting.

``open`` becomes ``access``. The column is dropped in place (SQLite 3.35): to make the table anew, as
Alembic's batch mode does, would take the PINs with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Turn ``open`` into one of three levels."""
    op.add_column("room", sa.Column("access", sa.String(9), nullable=False, server_default="signed-in"))
    op.add_column("room", sa.Column("expires_at", sa.BigInteger))
    op.execute("UPDATE room SET access = 'open' WHERE open")
    op.drop_column("room", "open")
    op.create_index("ix_room_expires_at", "room", ["expires_at"])


def downgrade() -> None:
    """Turn it back; who waited must type a PIN again."""
    op.drop_index("ix_room_expires_at", "room")
    op.add_column("room", sa.Column("open", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("UPDATE room SET open = (access = 'open')")
    op.drop_column("room", "expires_at")
    op.drop_column("room", "access")
