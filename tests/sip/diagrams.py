"""Read a machine's transitions back out of the diagram in its docstring."""

import re

_ARROW = re.compile(r"^ +(\w+) +--(\w+)-*> +(\w+)(?: +(.*))?$", re.MULTILINE)


def transitions(diagram: str) -> list[tuple[str, str, str, str]]:
    """State, event, next state and what else the line says, for each arrow."""
    return [(m[1], m[2], m[3], (m[4] or "").strip()) for m in _ARROW.finditer(diagram)]
