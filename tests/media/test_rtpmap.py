"""What payload types mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rtpmap import STATIC_PAYLOAD_TYPES, RtpMap


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PCMU/8000", RtpMap("PCMU", 8000)),
        ("pcma/8000/1", RtpMap("PCMA", 8000)),
        (" OPUS / 48000 / 2 ", RtpMap("opus", 48000, 2)),
        ("TELEPHONE-EVENT/8000", RtpMap("telephone-event", 8000)),
        ("g722/16000", RtpMap("G722", 8000)),  # the sampling rate instead of the clock
        ("MPEG4-GENERIC/48000", RtpMap("MPEG4-GENERIC", 48000)),
        ("PCMU", None),
        ("PCMU/", None),
        ("/8000", None),
        ("PCMU/0", None),
        ("PCMU/8000/0", None),
        ("PCMU/8k", None),
        ("PCMU/٨٠٠٠", None),
        ("PCMU/" + "9" * 5000, None),
        ("", None),
    ],
)
def test_reading(text: str, expected: RtpMap | None) -> None:
    assert RtpMap.parse(text) == expected


names = st.from_regex(r"X-[A-Za-z0-9]{1,8}", fullmatch=True)


@given(
    st.sampled_from(list(STATIC_PAYLOAD_TYPES.values()))
    | st.builds(
        RtpMap,
        st.from_regex(r"X-[A-Za-z0-9]{1,8}", fullmatch=True),
        st.integers(1, 10**9 - 1),
        st.integers(1, 999),
    )
)
def test_what_is_written_reads_the_same(rtpmap: RtpMap) -> None:
    assert RtpMap.parse(str(rtpmap)) == rtpmap
