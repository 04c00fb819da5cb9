"""Rooms, their PINs and their storage. The only floor that talks to a database."""
