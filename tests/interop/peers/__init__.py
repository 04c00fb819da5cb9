"""Independent SIP peers, one class each, and what they need: addresses, processes, ears."""
