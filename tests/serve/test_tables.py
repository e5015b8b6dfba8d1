"""What was acknowledged outlives a kill, and damage is told."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mlecs_ray.errors import InputError
from serve.entries import Card
from serve.gallery import Gallery
from serve.trouble import Trouble
from tests.serve.sights import PNG, emb, ids, named

CHILD = """
import sys
from pathlib import Path
from serve.entries import Embedding, Entry
from serve.gallery import Gallery
store = Gallery(Path(sys.argv[1]))
for turn in range(10_000):
    for one in store.enrol("g", [Entry(Embedding([1.0, turn + 1.0], "s", "m"), id=f"i{turn:05}")]):
        print(one, flush=True)
"""


def test_what_enrol_acknowledged_outlives_a_killed_process(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    told = [child.stdout.readline().strip() for _ in range(90)]
    os.kill(child.pid, signal.SIGKILL)
    told += child.communicate()[0].split()
    kept = Gallery(tmp_path).page("g", size=1000)
    assert [card.id for card in kept][: len(told)] == told
    assert len(kept) - len(told) in (0, 1)


def test_a_folder_that_a_crash_left_without_a_table_is_no_gallery(tmp_path):
    gallery = Gallery(tmp_path)
    (tmp_path / "g.lance" / "data").mkdir(parents=True)
    assert gallery.galleries() == []
    gallery.enrol("g", [named("a")])
    assert ids(gallery.search("g", emb(1, 0))) == ["a"]


def test_threads_enrol_and_search_side_by_side(tmp_path):
    store = Gallery(tmp_path)
    store.enrol("g", [named("first")])

    def work(turn: int) -> list[str]:
        made = store.enrol("g", [named(f"i{turn}", 1, turn)])
        assert ids(store.search("g", emb(1, turn), 1)) == made
        return made

    with ThreadPoolExecutor(4) as pool:
        made = [one for names in pool.map(work, range(1, 81)) for one in names]
    assert sorted([*made, "first"]) == [card.id for card in store.page("g", size=1000)]


def test_small_enrolments_and_deletions_are_compacted(tmp_path):
    store = Gallery(tmp_path)
    for turn in range(150):
        store.enrol("g", [named("a", 1, turn)])
    assert len(list(tmp_path.glob("g.lance/data/*"))) < 170
    assert store.search("g", emb(1, 149))[0].score == 1


def files(folder: Path, kind: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"g.lance/{kind}/*") if path.is_file())


@pytest.mark.parametrize("kind", ["data", "_versions"])
@pytest.mark.parametrize("wound", [lambda b: b[:0], lambda b: b[: len(b) // 2], lambda b: bytes(len(b))])
def test_a_damaged_store_says_so_and_can_be_dropped(tmp_path, kind, wound):
    store = Gallery(tmp_path)
    store.enrol("g", [named("a"), named("b", 0, 1)])
    for path in files(tmp_path, kind):
        path.write_bytes(wound(path.read_bytes()))
    for call in (lambda: store.search("g", emb(1, 0)), lambda: store.page("g"), lambda: store.verify("g")):
        with pytest.raises(Trouble, match="is damaged") as found:
            call()
        assert (str(tmp_path) in str(found.value), str(tmp_path) in found.value.shown) == (True, False)
    assert store.galleries() == ["g"]
    store.drop("g")
    assert store.galleries() == []


def test_no_flipped_bit_comes_back_as_data(tmp_path):
    store = Gallery(tmp_path)
    whole = [named(f"i{n}", 1, n, identity=f"p{n}", metadata={"n": n}, thumbnail=PNG) for n in range(20)]
    store.enrol("g", whole)
    before = store.page("g")
    (path,) = files(tmp_path, "data")
    good = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(good), 60):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1 :])
        assert told(store) in (before, "damaged")


def told(store: Gallery) -> list[Card] | str:
    try:
        store.verify("g")
        return store.page("g")
    except InputError as error:
        return "damaged" if "is damaged" in str(error) else str(error)


def test_another_format_and_a_folder_that_cannot_be_are_refused(tmp_path, monkeypatch):
    store = Gallery(tmp_path / "store")
    store.enrol("g", [named("a")])
    monkeypatch.setattr("serve.tables.FORMAT", b"2")
    with pytest.raises(Trouble, match="has format b'1', this version reads b'2'") as found:
        store.page("g")
    assert str(tmp_path) not in found.value.shown
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="none can be served"):
        Gallery(tmp_path / "file")
