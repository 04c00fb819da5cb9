"""The tables. ``migrations`` builds them; a test compares the two.

PINs have a table of their own, so that the primary key makes them unique among guests' and hosts' together,
and a PIN is found in one indexed step.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Enum,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from rooms.values import Access

ACCESS = Enum(Access, native_enum=False, length=9, values_callable=lambda kind: [each.value for each in kind])

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

room = Table(
    "room",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slug", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("language", String(3)),
    Column("access", ACCESS, nullable=False, server_default=Access.SIGNED_IN.value),
    Column("max_participants", Integer),
    Column("muted_on_entry", Boolean, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("expires_at", BigInteger, index=True),
    Column("max_cameras", Integer),
    Column("max_video_kbps", Integer),
    sqlite_autoincrement=True,  # a removed room's id is not given to another
)

pin = Table(
    "pin",
    metadata,
    Column("lookup", LargeBinary(32), primary_key=True),  # HMAC of the PIN, see rooms.keys
    Column("room_id", ForeignKey(room.c.id, ondelete="CASCADE"), nullable=False),
    Column("role", String(5), nullable=False),
    Column("sealed", LargeBinary(64), nullable=False),
    UniqueConstraint("room_id", "role"),
)

secret_check = Table(
    "secret_check",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", LargeBinary(32), nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
