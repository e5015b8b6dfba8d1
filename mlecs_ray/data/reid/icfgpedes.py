"""ICFG-PEDES: 4,102 people of MSMT17, a sentence a picture (Ding et al., arXiv 2107.12666).

Confirmed by the makers' README and code (zifyloo/SSAN) and IRRA's reader (anosorae/IRRA): ``ICFG-PEDES.json`` as
``captioned`` describes it, pictures in ``imgs/`` by ``file_path``; its ``train/`` and ``test/`` are those of MSMT17,
kept for their cameras, and are not the parts of this data set, which ``split`` tells; there is no validation. Confirmed
by readers of MSMT17: the third number of ``0627_010_05_0303afternoon_1591_0.jpg`` is the camera. Assumed: nothing about
whether ids of the test go on from those of training or begin at 0 again, so an id is somebody within its part, and what
is refused is a picture in both parts.
"""

import re
from pathlib import Path

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid import captioned
from mlecs_ray.data.reid.captioned import SIZE, Layout
from mlecs_ray.data.reid.views import Size

LAYOUT = Layout(
    name="icfgpedes",
    file="ICFG-PEDES.json",
    path="file_path",
    example="test/0627/0627_010_05_0303afternoon_1591_0.jpg",
    camera=re.compile(r"(?:.+/)?\d+_\d+_(\d+)_[^/]+"),
    anew=True,
)
protocol = captioned.protocol


def load(folder: Path, size: Size = SIZE) -> Pool:
    """``rgb`` and ``text`` as ``captioned.load`` makes them."""
    return captioned.load(folder, LAYOUT, size)
