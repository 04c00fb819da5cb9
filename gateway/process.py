"""What the operating system lets this process have: file descriptors.

Every call takes two UDP sockets (RTP and RTCP); a call that came over TCP takes a share of a connection.
Distributions start processes with a soft limit of 1,024 descriptors, that is fewer than 500 calls, and a
much higher hard limit, which a process may take by itself.
"""

import resource

SOCKETS_A_CALL = 2
MARGIN = 256
"""Descriptors for all but media: listeners, SIP over TCP, HTTP, database, log, interpreter."""


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; returns the limit that holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # some systems refuse what they have themselves offered
            return soft
    return hard


def files_needed(calls: int) -> int:
    """How many descriptors ``calls`` calls at once take."""
    return SOCKETS_A_CALL * calls + MARGIN


def calls_possible(files: int) -> int:
    """How many calls at once fit within ``files`` descriptors."""
    return max(0, (files - MARGIN) // SOCKETS_A_CALL)
