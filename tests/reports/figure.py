"""The figure of a chart, as plotly gets it from the page."""

from __future__ import annotations

import json
from typing import Any


def figure(markup: str) -> dict[str, Any]:
    """The data and the layout of a chart."""
    text = markup.partition('<script type="application/json">')[2].partition("</script>")[0]
    return dict(json.loads(text))
