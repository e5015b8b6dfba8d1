"""A gallery finds what numpy finds, keeps what it acknowledged and refuses what it cannot compare."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlecs_ray.errors import InputError
from serve.entries import Card, Embedding, Entry, Hit, Limits
from serve.filters import Choice, Sighting, Where
from serve.gallery import Gallery

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"
ODD = st.text(min_size=1, max_size=20) | st.sampled_from(
    [
        "o'neil",
        "' OR '1'='1",
        "'; DROP TABLE x; --",
        "\\'",
        '"',
        "`id`",
        "\n",
        "\r\n",
        "\x00",
        "%",
        "_",
        "日本",
        "é",
        "🙂",
    ]
)
LIVELY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def emb(*numbers: float, space: str = "s") -> Embedding:
    return Embedding(numbers, space, "m@1")


def named(name: str, *numbers: float, **rest) -> Entry:
    return Entry(emb(*(numbers or (1.0, 0.0))), id=name, **rest)


def ids(hits: list[Hit]) -> list[str]:
    return [hit.card.id for hit in hits]


def brute(vectors: dict[str, np.ndarray], query: np.ndarray, top_k: int) -> list[tuple[str, float]]:
    """Cosines in float64 of the float32 vectors that are kept, to nine digits; ties by id."""

    def unit(vector):
        kept = (vector / np.linalg.norm(vector)).astype(np.float32).astype(np.float64)
        return kept / np.linalg.norm(kept)

    scores = {name: round(float(np.clip((unit(v) * unit(query)).sum(), -1, 1)), 9) for name, v in vectors.items()}
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:top_k]


def same(hits: list[Hit], expected: list[tuple[str, float]]) -> bool:
    return [(hit.card.id, hit.score) for hit in hits] == expected


@pytest.fixture
def gallery(tmp_path):
    return Gallery(tmp_path / "store", Limits(galleries=3, entries=60, batch=50, top_k=60))


def test_what_was_enrolled_comes_back_whole(gallery):
    whole = named(
        "a", 3, 4, identity="p1", camera="c1", modalities=frozenset({"rgb", "text"}), metadata={"k": [1, "ü"]}
    )
    made = gallery.enrol("g", [Entry(whole.embedding, "a", "p1", "c1", whole.modalities, whole.metadata, PNG)])
    entry = gallery.get("g", "a")
    assert made == ["a"]
    assert np.allclose(entry.embedding.unit, [0.6, 0.8])
    assert (entry.embedding.space, entry.embedding.made_by, entry.thumbnail) == ("s", "m@1", PNG)
    card = Card("a", "p1", "c1", frozenset({"rgb", "text"}), {"k": [1, "ü"]}, "m@1", True)
    assert gallery.search("g", emb(6, 8)) == [Hit(1.0, card)]
    assert gallery.page("g") == [card]


def test_ids_are_made_where_none_is_given(gallery):
    made = gallery.enrol("g", [Entry(emb(1, 0)), Entry(emb(0, 1))])
    assert len(set(made)) == 2
    assert sorted(made) == [card.id for card in gallery.page("g")]
    assert gallery.enrol("g", []) == []


@LIVELY
@given(st.data())
def test_search_equals_numpy_after_every_change_and_after_reopening(tmp_path_factory, data):
    folder, seed = tmp_path_factory.mktemp("store"), data.draw(st.integers(0, 2**31))
    rng, store, held = np.random.default_rng(seed), Gallery(folder), {}
    for _ in range(3):
        changed = {f"i{n}": rng.normal(size=8) for n in rng.integers(0, 60, size=25)}
        store.enrol("g", [named(name, *vector) for name, vector in changed.items()])
        held |= changed
        gone = [f"i{n}" for n in rng.integers(0, 60, size=5)]
        assert store.delete("g", gone) == sum(held.pop(name, None) is not None for name in set(gone))
        store = Gallery(folder) if rng.random() < 0.5 else store
        query, top_k = rng.normal(size=8), int(rng.integers(1, 50))
        assert same(store.search("g", emb(*query), top_k), brute(held, query, top_k))
    assert store.facts("g").entries == len(held) == store.verify("g")


@LIVELY
@given(st.lists(st.tuples(*[st.integers(-1, 1)] * 3).filter(any), min_size=1, max_size=50), st.integers(1, 60))
def test_ties_are_broken_by_id_at_any_cut(tmp_path_factory, vectors, top_k):
    store, held = Gallery(tmp_path_factory.mktemp("store")), {}
    for turn, vector in enumerate(vectors):
        held[f"i{(turn * 37) % 101:03}"] = np.array(vector, float)
    store.enrol("g", [named(name, *vector) for name, vector in held.items()])
    assert same(store.search("g", emb(1, 1, 0), top_k), brute(held, np.array([1.0, 1, 0]), top_k))


def test_hundreds_of_equal_vectors_come_in_order_of_their_ids(tmp_path):
    store = Gallery(tmp_path)
    names = [f"i{n:04}" for n in np.random.default_rng(0).permutation(600)]
    store.enrol("g", [named(name) for name in names])
    assert ids(store.search("g", emb(1, 0), 7)) == sorted(names)[:7]


@LIVELY
@given(st.lists(ODD, min_size=2, max_size=6, unique=True))
def test_no_name_breaks_out_of_a_filter(tmp_path_factory, names):
    store, one = Gallery(tmp_path_factory.mktemp("store")), names[0]
    store.enrol("g", [named(name, camera=name, identity=name) for name in names])
    only, rest = Choice(include=frozenset({one})), Choice(exclude=frozenset({one}))
    for column in ("camera", "identity"):
        assert ids(store.search("g", emb(1, 0), where=Where(**{column: only}))) == [one]
        assert ids(store.search("g", emb(1, 0), where=Where(**{column: rest}))) == sorted(names[1:])
    assert store.get("g", one).id == one
    assert [card.id for card in store.page("g", after=one)] == sorted(name for name in names if name > one)
    assert store.delete("g", [one]) == 1
    assert [card.id for card in store.page("g")] == sorted(names[1:])


def seen_by_cameras(gallery):
    sights = {
        "a": ("p1", "c1", {"rgb"}),
        "b": ("p1", "c2", {"ir", "text"}),
        "c": ("p2", "c1", {"ir"}),
        "d": (None, None, ()),
    }
    gallery.enrol(
        "g", [named(n, identity=who, camera=at, modalities=frozenset(m)) for n, (who, at, m) in sights.items()]
    )


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (Where(), "abcd"),
        (Where(camera=Choice(include=frozenset({"c1"}))), "ac"),
        (Where(camera=Choice(exclude=frozenset({"c1"}))), "bd"),
        (Where(identity=Choice(include=frozenset({"p1"})), camera=Choice(exclude=frozenset({"c2"}))), "a"),
        (Where(modality=Choice(include=frozenset({"ir", "rgb"}))), "abc"),
        (Where(modality=Choice(include=frozenset({"ir"}), exclude=frozenset({"text"}))), "c"),
        (Where(modality=Choice(include=frozenset())), ""),
        (Where(camera=Choice(include=frozenset())), ""),
        (Where(seen=Sighting("c1", "p1")), "bcd"),
        (Where(seen=Sighting("c1")), "bd"),
    ],
)
def test_a_search_keeps_to_its_filter(gallery, where, found):
    seen_by_cameras(gallery)
    assert ids(gallery.search("g", emb(1, 0), where=where)) == list(found)


def test_pages_follow_one_another_to_the_end(gallery):
    gallery.enrol("g", [named(f"i{n:02}") for n in range(45)])
    pages, after = [], ""
    while page := gallery.page("g", after, 20):
        pages.append([card.id for card in page])
        after = pages[-1][-1]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert list(chain(*pages)) == [f"i{n:02}" for n in range(45)]


def test_galleries_are_listed_described_and_dropped(gallery):
    for name in ("b", "a.lance", "A-1.x_y"):
        gallery.enrol(name, [named("i")])
    assert gallery.galleries() == ["A-1.x_y", "a.lance", "b"]
    assert (gallery.facts("b").space, gallery.facts("b").width, gallery.facts("b").entries) == ("s", 2, 1)
    gallery.drop("b")
    assert gallery.galleries() == ["A-1.x_y", "a.lance"]
    with pytest.raises(InputError, match="no gallery 'b'"):
        gallery.search("b", emb(1, 0))
    gallery.enrol("b", [Entry(emb(1, 2, 3, space="other"))])
    assert gallery.facts("b").width == 3


def test_another_space_or_width_is_refused(gallery):
    gallery.enrol("g", [named("a")])
    for other in (emb(1, 0, space="t"), emb(1, 0, 0)):
        with pytest.raises(InputError, match="would mean nothing"):
            gallery.search("g", other)
        with pytest.raises(InputError, match="would mean nothing"):
            gallery.enrol("g", [Entry(other)])
    with pytest.raises(InputError, match="one gallery holds one"):
        gallery.enrol("h", [named("a"), Entry(emb(1, 0, space="t"))])


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", ".lock", "a\n", "é", "a b", "x" * 65, None])
def test_a_name_that_could_leave_the_folder_is_refused(gallery, name):
    for call in (gallery.drop, gallery.page, gallery.facts, lambda g: gallery.enrol(g, [named("a")])):
        with pytest.raises(InputError, match="no such gallery"):
            call(name)


@pytest.mark.parametrize(
    ("vector", "why"),
    [
        ([], "shape"),
        ([[1.0]], "shape"),
        ([1.0] * 5000, "shape"),
        ([0.0, 0.0], "all zeros"),
        ([1.0, float("nan")], "NaN"),
        ([float("inf")], "infinite"),
        (["a"], "list of numbers"),
    ],
)
def test_a_vector_without_direction_is_refused(vector, why):
    with pytest.raises(InputError, match=why):
        Embedding(vector, "s", "m")


def test_very_large_and_very_small_vectors_have_a_direction():
    assert np.allclose(emb(3e300, 4e300).unit, [0.6, 0.8])
    assert np.allclose(emb(3e-310, 4e-310).unit, [0.6, 0.8])


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"id": ""}, "1 to 200 characters"),
        ({"camera": "x" * 201}, "1 to 200 characters"),
        ({"identity": "\ud800"}, "Unicode"),
        ({"modalities": frozenset({"a|b"})}, "letters, digits"),
        ({"modalities": frozenset(map(str, range(17)))}, "17 modalities"),
        ({"metadata": {"k": "x" * 5000}}, "bytes of JSON"),
        ({"metadata": {"k": float("nan")}}, "JSON object"),
        ({"metadata": {"k": object()}}, "JSON object"),
        ({"metadata": "text"}, "JSON object"),
        ({"thumbnail": PNG + bytes(65536)}, "more than 65536"),
        ({"thumbnail": b"<svg/>"}, "no PNG"),
    ],
)
def test_a_part_that_breaks_a_limit_is_refused(part, why):
    with pytest.raises(InputError, match=why):
        Entry(emb(1, 0), **part)


def test_limits_of_the_store_hold_and_leave_it_as_it_was(gallery):
    gallery.enrol("g", [named(f"i{n}") for n in range(40)])
    with pytest.raises(InputError, match=r"batch=51 must lie in 1\.\.50"):
        gallery.enrol("g", [Entry(emb(1, 0))] * 51)
    with pytest.raises(InputError, match="21 more are above its limit of 60"):
        gallery.enrol("g", [named(f"j{n}") for n in range(21)])
    with pytest.raises(InputError, match="stands twice"):
        gallery.enrol("g", [named("x"), named("x")])
    gallery.enrol("g", [named(f"i{n}") for n in range(20, 40)] + [named(f"k{n}") for n in range(20)])
    assert gallery.facts("g").entries == 60
    for top_k in (0, 61):
        with pytest.raises(InputError, match=f"top_k={top_k} must lie"):
            gallery.search("g", emb(1, 0), top_k)
    gallery.enrol("h", [named("a")])
    gallery.enrol("i", [named("a")])
    with pytest.raises(InputError, match="3 galleries of at most 3"):
        gallery.enrol("j", [named("a")])


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


def test_a_folder_that_a_crash_left_without_a_table_is_no_gallery(gallery, tmp_path):
    (tmp_path / "store" / "g.lance" / "data").mkdir(parents=True)
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
        with pytest.raises(InputError, match="is damaged"):
            call()
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
    with pytest.raises(InputError, match="has format b'1', this version reads b'2'"):
        store.page("g")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="none can be served"):
        Gallery(tmp_path / "file")
