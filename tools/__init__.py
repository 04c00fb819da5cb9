"""What developers run: making the recordings, installing the telephones of the tests."""
