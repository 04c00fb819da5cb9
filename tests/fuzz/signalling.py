"""Fuzz what a page may send: it is answered, and whoever else is in the meeting is not disturbed.

python -m tests.fuzz.signalling [--seconds N] [--seed N]

Each input is a page's whole stay, a message a line, as a guest first and then as a host.
"""

from tests.conferencing.embedded.pages import House
from tests.fuzz.mutation import main


def check(data: bytes) -> None:
    """Raise if a stay raises, or breaks the stay of another."""
    for host in (False, True):
        house = House()
        witness, page = house.come("Witness", host=True)
        stranger, _ = house.come("Stranger", host=host)
        for line in data.decode("utf-8", "replace").replace("WITNESS", witness.id).splitlines():
            stranger.hear(line.replace("SELF", stranger.id), house.now)
            house.wait(1.0)
        thrown_out = any(event["type"] == "closed" for event in page.take())
        if thrown_out and not host:
            raise AssertionError("a guest ended the stay of another")
        if not thrown_out:
            house.say(witness, "ping")
            if not page.take("pong"):
                raise AssertionError("the witness is not answered any more")


if __name__ == "__main__":
    main("signalling", check)
