"""One Chromium for all tests of pages."""

from collections.abc import Iterator

import pytest

from tests.reports.browser import Browser, started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found
