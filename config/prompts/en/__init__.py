"""The recordings in English. A package, so that they are installed along."""
