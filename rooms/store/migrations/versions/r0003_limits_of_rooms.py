"""Limits of a room's own: cameras, and the bit rate of video. NULL: what the settings say."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("room", sa.Column("max_cameras", sa.Integer))
    op.add_column("room", sa.Column("max_video_kbps", sa.Integer))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("room", "max_video_kbps")
    op.drop_column("room", "max_cameras")
