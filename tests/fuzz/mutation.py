"""What the fuzzers share: seeds from a folder, mutated by a seeded generator until the time is up.

A failing input is printed with the seed that made it; add it to the corpus once it is mended.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

CORPUS = Path(__file__).parent / "corpus"


def seeds(name: str) -> list[bytes]:
    """Return the inputs of ``corpus/<name>``, in the order of their names."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir()) if path.is_file()]


def mutate(corpus: list[bytes], random: Random) -> bytes:
    """Return one of the seeds after a few changes of octets, lines and numbers."""
    data = bytearray(random.choice(corpus))
    for _ in range(random.choice((1, 1, 2, 4, 8, 16))):
        random.choice(_CHANGES)(data, corpus, random)
    return bytes(data)


def _flip(data: bytearray, _: list[bytes], random: Random) -> None:
    if data:
        data[random.randrange(len(data))] = random.randrange(256)


def _insert(data: bytearray, _: list[bytes], random: Random) -> None:
    at = random.randint(0, len(data))
    data[at:at] = random.choice(_TOKENS) * random.choice((1, 1, 1, 2, 50))


def _delete(data: bytearray, _: list[bytes], random: Random) -> None:
    at = random.randint(0, len(data))
    del data[at : at + random.choice((1, 2, 8, 64))]


def _splice(data: bytearray, corpus: list[bytes], random: Random) -> None:
    other = random.choice(corpus)
    at = random.randint(0, len(other))
    data[random.randint(0, len(data)) :] = other[at:]


def _shuffle_lines(data: bytearray, _: list[bytes], random: Random) -> None:
    lines = bytes(data).split(b"\n")
    for _swap in range(3):
        one, two = random.randrange(len(lines)), random.randrange(len(lines))
        lines[one], lines[two] = lines[two], lines[one]
    data[:] = b"\n".join(lines)


def _repeat_line(data: bytearray, _: list[bytes], random: Random) -> None:
    lines = bytes(data).split(b"\n")
    at = random.randrange(len(lines))
    lines[at:at] = [lines[at]] * random.choice((1, 2, 100))
    data[:] = b"\n".join(lines)


_CHANGES = (_flip, _insert, _delete, _splice, _shuffle_lines, _repeat_line)
_TOKENS = tuple(
    b'\r\n|\n|\r|\0| |\t|=|:|/|;|,|<|>|"|-1|0|65536|4294967296|9999999999999999999999|\xff\xfe|'
    b"\xe2\x80\xa8|\xd9\xa3|\xc2\x85|%00|a=|m=|c=IN IP4 |SIP/2.0".split(b"|")
)


def run(check: Callable[[bytes], None], corpus: list[bytes], seconds: float, seed: int) -> int:
    """Feed ``check`` for that many seconds; return how many inputs it took. Its first failure is raised."""
    random = Random(seed)
    ends = time.monotonic() + seconds
    count = 0
    while time.monotonic() < ends:
        data = mutate(corpus, random)
        try:
            check(data)
        except Exception:
            print(f"seed {seed}, input {count}: {data!r}")
            raise
        count += 1
    return count


def main(name: str, check: Callable[[bytes], None]) -> None:
    """Run a fuzzer from the command line: ``python -m tests.fuzz.<name> [--seconds N] [--seed N]``."""
    parser = argparse.ArgumentParser(description=f"Fuzz the {name} parser with mutated seeds.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    options = parser.parse_args()
    seed = Random().randrange(1 << 32) if options.seed is None else options.seed
    corpus = seeds(name)
    for data in corpus:
        check(data)
    count = run(check, corpus, options.seconds, seed)
    print(f"{name}: {len(corpus)} seeds, {count} mutated inputs, no failure (seed {seed})")
