"""Text as it grows, and nothing that would have to be taken back."""

from hypothesis import given
from hypothesis import strategies as st

from mlecs_ray.serving.speech import Speech
from tests.models import tiny

WORDS = tiny.tokenizer()


def _ids(text: str) -> list[int]:
    return list(WORDS(text, add_special_tokens=False)["input_ids"])


def _told(text: str, stop: tuple[str, ...] = (), line: bool = False) -> tuple[list[str], bool]:
    speech, pieces = Speech(WORDS, stop, line), []
    for token in _ids(text):
        pieces.append(speech.say(token))
        if speech.stopped:
            return pieces, True
    return [*pieces, speech.end()], speech.stopped


@given(st.text(max_size=40))
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(_told(text)[0]) == WORDS.decode(_ids(text))


@given(st.text(max_size=40))
def test_a_line_is_what_evaluation_reads(text: str) -> None:
    """``greedy`` decodes, strips, and takes the first line."""
    whole = WORDS.decode(_ids(text)).strip().partition("\n")[0].strip()
    assert "".join(_told(text, line=True)[0]) == whole


@given(st.text(alphabet="abcé", max_size=30), st.text(alphabet="abc", min_size=1, max_size=3))
def test_nothing_behind_a_stop_text_is_told_nor_the_text_itself(text: str, stop: str) -> None:
    pieces, stopped = _told(text, (stop,))
    assert "".join(pieces) == text.partition(stop)[0]
    assert stopped == (stop in text)


def test_a_letter_of_several_tokens_comes_whole() -> None:
    pieces, _ = _told("é€😀")
    assert [piece for piece in pieces if piece] == ["é", "€", "😀"]


def test_what_may_begin_a_stop_text_waits() -> None:
    assert _told("xabx", ("abc",))[0] == ["x", "", "", "abx", ""]
