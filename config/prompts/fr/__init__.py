"""The recordings in French. A package, so that they are installed along."""
