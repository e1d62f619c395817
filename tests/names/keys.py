"""Keys to seal: what hosts are known to change or refuse, and what Hypothesis makes of segments."""

from hypothesis import strategies as st

from portable.names import SEGMENT_BYTES, obstacle

AWKWARD = [
    "a//b",
    "a///b",
    "/a",
    "a/",
    "/",
    "//",
    "..",
    "a/../b",
    "a/./b",
    "a\\b",
    "a\nb",
    "a\0b",
    "a\x7fb",
    "trailing dot.",
    "trailing space ",
    "é",
    "e\u0301",
    "CASE",
    "case",
    "%2F",
    "a?b#c",
    "con/aux",
    "𝄞",
    "x" * SEGMENT_BYTES,
    ".portable",
    "a/.portable/b",
    ".portable-tmp/x",
    "2t9j0qcqi0ok78al6un4pc1ag74g",
]

SEGMENTS = st.text(max_size=12) | st.sampled_from(["", "a", "b", ".", "..", "x" * SEGMENT_BYTES])
KEYS = st.lists(SEGMENTS, min_size=1, max_size=6).map("/".join).filter(lambda key: key and not obstacle(key))
"""Keys that can be sealed; many of them share folders, and many are empty in places."""
