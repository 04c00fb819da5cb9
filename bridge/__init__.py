"""One call's way into one meeting: routing, call flow (IVR, PIN, keypad), negotiation, mix.

From INVITE to sound: ``desk`` takes the call, ``routing`` says what was dialled, ``call`` performs what
``flow`` commands, ``negotiation`` agrees on a codec, ``leg`` moves packets, ``mixer`` mixes.
"""
