"""RSTPReid: 4,101 people of MSMT17, five pictures each, two sentences a picture (Zhu et al., arXiv 2109.05534).

Confirmed by the makers' README and answers (NjtechCVLab/RSTPReid-Dataset) and IRRA's reader (anosorae/IRRA):
``data_captions.json`` as ``captioned`` describes it, pictures in ``imgs/`` by ``img_path`` (``0000_c14_0031.jpg``:
person, camera, number); the first 3,701 ids are training, 200 validation, 200 test.
"""

import re
from pathlib import Path

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid import captioned
from mlecs_ray.data.reid.captioned import SIZE, Layout
from mlecs_ray.data.reid.views import Size

LAYOUT = Layout(
    name="rstpreid",
    file="data_captions.json",
    path="img_path",
    example="0000_c14_0031.jpg",
    camera=re.compile(r"(?:.+/)?\d+_(c\d+)_[^/]+"),
)
protocol = captioned.protocol


def load(folder: Path, size: Size = SIZE) -> Pool:
    """``rgb`` and ``text`` as ``captioned.load`` makes them."""
    return captioned.load(folder, LAYOUT, size)
