"""The library is in the page whole, and small."""

import base64
import gzip

from plotly.offline import get_plotlyjs

from plait.reports.draw.plotly_js import packed_library


def test_unpacked_it_is_plotly() -> None:
    packed = packed_library()
    assert gzip.decompress(base64.b64decode(packed)).decode() == get_plotlyjs()
    assert len(packed) < 2_100_000


def test_it_is_the_same_each_time() -> None:
    first = packed_library()
    packed_library.cache_clear()
    assert packed_library() == first
