"""How a script is asked for a measurement, and answers."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ANSWER = "RESULT "
"""What the line with the answer begins with; scripts of the peers, which cannot import this, say it themselves."""
Order = Mapping[str, Any]


def answer(measure: Callable[[Order], Mapping[str, float]]) -> None:
    """Answer the order that ``BENCH_ORDER`` names."""
    order = json.loads(Path(os.environ["BENCH_ORDER"]).read_text())
    print(ANSWER + json.dumps(measure(order)), flush=True)
