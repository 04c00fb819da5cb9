"""The store of rooms: SQLite or PostgreSQL behind methods that return frozen values.

The only place that knows of SQL. ``queries`` has what is asked, ``tables`` what is stored, ``database`` how
it is reached, ``schema`` and ``migrations`` how it grew,
``state`` what ``passerelle check`` looks at.
"""

from rooms.store.database import StoreError
from rooms.store.queries import Store

__all__ = ["Store", "StoreError"]
