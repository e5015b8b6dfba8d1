"""Emoji in three styles, from assets of a few pictures and from the real ones."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlecs_ray.data import emoji
from mlecs_ray.data.emoji import Emoji
from mlecs_ray.data.pool import Pool, Split, divide
from mlecs_ray.errors import InputError
from tests.data.laid import lay

_RED, _BLUE = (255, 0, 0, 255), (0, 0, 255, 255)
_SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72"><path fill="#00f" d="M0 0h72v72H0z"/></svg>'


def _png(colour: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (64, 64), colour).save(file, "PNG")
    return file.getvalue()


def _named(entries: Sequence[tuple[str, str, str]]) -> bytes:
    return json.dumps(
        [dict(zip(("unified", "category", "subcategory"), entry, strict=True)) for entry in entries]
    ).encode()


def _lay(entries: Sequence[tuple[str, str, str]]) -> None:
    codes = [code for code, _, _ in entries]
    pictures = {f"package/img/google/64/{code.lower()}.png": _png(_RED) for code in codes}
    lay("emoji-google", {"package/emoji.json": _named(entries), **pictures})
    lay("emoji-twitter", {f"package/img/twitter/64/{code.lower()}.png": _png(_BLUE) for code in codes})
    lay("openmoji", {f"package/color/svg/{code.replace('-FE0F', '')}.svg": _SQUARE.encode() for code in codes})


@pytest.fixture
def small(own_cache: Path) -> None:
    """12 birds, 11 tools and 20 flags; one bird's name asks for a colour picture."""
    del own_cache
    _lay(
        [
            ("1F426-FE0F", "Animals & Nature", "animal-bird"),
            *[(f"1F4{i}", "Animals & Nature", "animal-bird") for i in range(30, 41)],
            *[(f"1F5{i}", "Objects", "tool") for i in range(30, 41)],
            *[(f"1F6{i}", "Flags", "country-flag") for i in range(30, 50)],
            ("1F3FB", "Component", "skin-tone"),
        ]
    )


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("1F9D1-200D-1F373", "1F468-200D-1F373"),
        ("1F9D1-200D-1F373", "1F469-200D-1F373"),
        ("1F3C3", "1F3C3-200D-2640"),
        ("1F3C3-200D-2642-200D-27A1", "1F3C3-200D-27A1"),
    ],
)
def test_a_man_a_woman_and_a_person_who_do_the_same_are_one_identity(one: str, same: str) -> None:
    assert Emoji(one, "", "").identity == Emoji(same, "", "").identity


@pytest.mark.usefixtures("small")
def test_subgroups_of_fewer_than_twelve_and_flags_are_no_classes() -> None:
    pool = emoji.load()
    assert pool.classes == ("animal-bird",)
    assert len(pool.samples) == 3 * 12


@pytest.mark.usefixtures("small")
def test_groups_are_classes_of_all_but_skin_tones() -> None:
    pool = emoji.load_groups()
    assert (pool.name, pool.classes) == ("emoji9", ("Animals & Nature", "Flags", "Objects"))
    assert pool.samples.labels is not None
    assert pool.samples.labels.bincount().tolist() == [36, 60, 33]


@pytest.mark.usefixtures("small")
def test_each_style_is_a_domain_with_its_own_pictures() -> None:
    samples = emoji.load().samples
    assert samples.inputs["image"].shape == (36, 3, 32, 32)
    seen = dict(zip(samples.domains, samples.inputs["image"].mean(dim=(2, 3)).tolist(), strict=True))
    assert seen == {"google": [1, 0, 0], "openmoji": [0, 0, 1], "twitter": [0, 0, 1]}


@pytest.mark.usefixtures("small")
def test_an_emoji_is_on_one_side_of_a_split_in_all_styles() -> None:
    data = divide(emoji.load(), Split(public=0.25, test=0.25), seed=1)
    sides = [set(part.ids) for part in (data.train, data.public, data.test)]
    assert [len(side) for side in sides] == [6, 3, 3]
    assert len(set.union(*sides)) == 12


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    half = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    half.paste((0, 0, 0, 255), (0, 0, 64, 32))
    half.save(tmp_path / "half.png")
    got = emoji.picture(tmp_path / "half.png")
    assert np.array_equal(got, np.repeat([0.0, 1.0], 16)[None, :, None] * np.ones((3, 1, 32)))


@pytest.mark.usefixtures("own_cache")
def test_what_was_not_fetched_is_named() -> None:
    with pytest.raises(InputError, match="run `mlecs fetch emoji-google`"):
        emoji.load()


@pytest.mark.slow
@pytest.mark.parametrize(("load", "size", "classes"), [(emoji.load, 4005, 53), (emoji.load_groups, 5718, 9)])
def test_the_real_emoji_are_there_in_every_style(load: Callable[[], Pool], size: int, classes: int) -> None:
    """1,911 of emoji-data less five skin tones are 1,906 in each style, 1,335 of them of large enough subgroups."""
    try:
        pool = load()
    except InputError:
        pytest.skip("emoji come from npm, and this machine has no npm registry")
    assert (len(pool.samples), len(pool.classes)) == (size, classes)
    assert [pool.samples.domains.count(style) for style in emoji.STYLES] == [size // 3] * 3
    assert pool.samples.labels is not None
    assert int(pool.samples.labels.bincount().min()) >= 3 * emoji.FEWEST
    pixels = pool.samples.inputs["image"]
    assert (float(pixels.min()), float(pixels.max())) == (0, 1)
    # Nothing was drawn as an empty page.
    assert bool((pixels.flatten(1).std(1) > 0).all())
