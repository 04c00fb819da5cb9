"""The meeting itself: participants, mute states, events, and the engines that move its media."""
