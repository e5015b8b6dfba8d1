"""A gallery finds what numpy finds, and refuses what it cannot compare."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlecs_ray.errors import InputError
from serve.entries import Card, Entry, Hit, Limits, Who
from serve.gallery import Gallery
from serve.trouble import Trouble
from tests.serve.sights import LIVELY, PNG, emb, ids, named

ANN, BEN = Who("ann", False), Who("ben", False)


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
    assert gallery.search("b", emb(1, 2, 3, space="other"))[0].score == 1


def test_a_gallery_is_of_whoever_made_it_whoever_adds_to_it(gallery):
    gallery.enrol("g", [named("a")], ANN)
    gallery.enrol("g", [named("b")], BEN)
    for turn in range(40):
        gallery.enrol("g", [named("b", 1, turn)], ANN)
    assert gallery.facts("g").owner == "ann"
    gallery.enrol("h", [named("a")])
    assert gallery.facts("h").owner == ""


@pytest.mark.parametrize("take", [lambda g, who: g.delete("g", ["a"], who), lambda g, who: g.drop("g", who)])
def test_only_its_owner_and_admins_take_something_out_of_a_gallery(gallery, take):
    gallery.enrol("g", [named("a")], ANN)
    with pytest.raises(Trouble, match="only the key that made gallery 'g'") as found:
        take(gallery, BEN)
    assert found.value.kind == "role"
    assert gallery.facts("g").entries == 1
    for who in (ANN, Who("boss", True)):
        take(gallery, who)
        gallery.enrol("g", [named("a")], ANN)


def test_one_key_cannot_use_up_all_galleries(tmp_path):
    gallery = Gallery(tmp_path / "few", Limits(galleries=4, owned=2))
    for name in ("a", "b"):
        gallery.enrol(name, [named("i")], ANN)
    with pytest.raises(InputError, match="this key has made 2 galleries of at most 2, so 'c' was not made"):
        gallery.enrol("c", [named("i")], ANN)
    gallery.enrol("c", [named("i")], BEN)
    gallery.enrol("d", [named("i")], Who("boss", True))
    gallery.drop("a", ANN)
    gallery.enrol("a", [named("i")], ANN)


def test_an_id_that_is_there_is_refused_whole_to_who_may_replace_nothing(gallery):
    gallery.enrol("g", [named("a")])
    with pytest.raises(Trouble, match="1 of the ids are in gallery 'g' already") as found:
        gallery.enrol("g", [named("a", 0, 1), named("b")], BEN)
    assert found.value.kind == "role"
    assert [card.id for card in gallery.page("g")] == ["a"]
    assert np.allclose(gallery.get("g", "a").embedding.unit, [1, 0])


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
