"""An answer's text as it grows: whole letters only, and nothing that a stop text or a strip would take back."""

from collections.abc import Sequence
from typing import Any

_BROKEN = "\N{REPLACEMENT CHARACTER}"
_WINDOW = 8
"""Tokens that are decoded together with a new one: how a token reads depends on those just before it."""


class Speech:
    """Tokens in, text out; ``stopped`` once a stop text was said. ``line``: one line, no blanks around it."""

    def __init__(self, tokenizer: Any, stop: Sequence[str], line: bool) -> None:
        self._tokenizer, self._stop, self._line = tokenizer, stop, line
        self._ids: list[int] = []
        self._read = 0
        """Tokens whose text is in ``_whole``."""
        self._whole = ""
        self._told = 0
        """Letters of ``text`` that were handed out."""
        self.stopped = False

    def say(self, token: int) -> str:
        """What can be told for certain after one more token."""
        self._ids.append(token)
        self._take(broken=False)
        return self._tell(self._certain())

    def end(self) -> str:
        """The rest, when no more tokens come."""
        self._take(broken=True)
        return self._tell(self.text)

    def _take(self, broken: bool) -> None:
        """The text of the newest tokens, also of half a letter where that is all that comes."""
        start = max(0, self._read - _WINDOW)
        before, now = self._decode(self._ids[start : self._read]), self._decode(self._ids[start:])
        if broken or not now.endswith(_BROKEN):
            self._whole, self._read = self._whole + now[len(before) :], len(self._ids)

    @property
    def text(self) -> str:
        """All of it so far, stop texts and what is stripped left out."""
        text = self._whole
        if self._line:
            text, newline, _ = text.strip().partition("\n")
            self.stopped = self.stopped or bool(newline)
            text = text.strip()
        found = [place for stop in self._stop if (place := text.find(stop)) >= 0]
        self.stopped = self.stopped or bool(found)
        return text[: min(found)] if found else text

    def _certain(self) -> str:
        text = self.text
        if self.stopped:
            return text
        return text[: len(text) - max((_overlap(text, stop) for stop in self._stop), default=0)]

    def _tell(self, text: str) -> str:
        new = text[self._told :]
        self._told = max(self._told, len(text))
        return new

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text


def _overlap(text: str, stop: str) -> int:
    """Letters at the end of ``text`` that may be the beginning of ``stop``."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
