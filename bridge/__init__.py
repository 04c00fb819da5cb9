"""One call's way into one meeting: routing, call flow (IVR, PIN, keypad), negotiation, decode, mix, encode."""
