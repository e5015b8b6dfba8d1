"""CUHK-PEDES: 13,003 people of five other data sets, two sentences a picture (Li et al., arXiv 1702.05729).

Confirmed by the makers' README (ShuangLI59/Person-Search-with-Natural-Language-Description) and IRRA's reader
(anosorae/IRRA): ``reid_raw.json`` as ``captioned`` describes it, pictures in ``imgs/`` by ``file_path``
(``train_query/p11600_s14885.jpg``), ids from 1 that go on from training to validation to test; some pictures have more
than two captions. Assumed: the folder that a picture lies in (``CUHK01``, ``Market``, ``cam_a``, ..) is its camera,
which is not published; the protocol does not ask for it.
"""

import re
from pathlib import Path

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid import captioned
from mlecs_ray.data.reid.captioned import SIZE, Layout
from mlecs_ray.data.reid.views import Size

LAYOUT = Layout(
    name="cuhkpedes",
    file="reid_raw.json",
    path="file_path",
    example="CUHK01/0363004.png",
    camera=re.compile(r"([^/]+)/.+"),
)
protocol = captioned.protocol


def load(folder: Path, size: Size = SIZE) -> Pool:
    """``rgb`` and ``text`` as ``captioned.load`` makes them."""
    return captioned.load(folder, LAYOUT, size)
