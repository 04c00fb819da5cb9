"""Rooms and their PINs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first three tables."""
    op.create_table(
        "room",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("slug", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("language", sa.String(3)),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("max_participants", sa.Integer),
        sa.Column("muted_on_entry", sa.Boolean, nullable=False),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_room"),
        sa.UniqueConstraint("slug", name="uq_room_slug"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pin",
        sa.Column("lookup", sa.LargeBinary(32), nullable=False),
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("role", sa.String(5), nullable=False),
        sa.Column("sealed", sa.LargeBinary(64), nullable=False),
        sa.PrimaryKeyConstraint("lookup", name="pk_pin"),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name="fk_pin_room_id", ondelete="CASCADE"),
        sa.UniqueConstraint("room_id", "role", name="uq_pin_room_id_role"),
    )
    op.create_table(
        "secret_check",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("value", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_secret_check"),
        sa.CheckConstraint("id = 1", name="one_row"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("secret_check")
    op.drop_table("pin")
    op.drop_table("room")
