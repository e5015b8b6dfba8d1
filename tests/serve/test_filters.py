"""A filter keeps what it names, whatever the name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.gallery import Gallery
from serve.where import Choice, Sighting, Where
from tests.serve.sights import LIVELY, emb, ids, named

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


@pytest.fixture
def gallery(tmp_path):
    return Gallery(tmp_path)


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
