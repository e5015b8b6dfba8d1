"""What an asker cannot mend by asking otherwise: it is told in few words, and whoever runs the server the whole."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlecs_ray.errors import InputError


class Trouble(InputError):
    """The message names files and is for the log; ``shown`` is for the asker, ``kind`` that of a ``Refusal``."""

    def __init__(self, message: str, shown: str | None = None, kind: str = "failed") -> None:
        super().__init__(message)
        self.shown = shown or message
        self.kind = kind


@contextmanager
def ours(what: str, *theirs: type[InputError]) -> Iterator[None]:
    """Whatever is wrong with ``what``, a thing of the server's own, is no fault of the asker, but for ``theirs``.

    Raises Trouble.
    """
    try:
        yield
    except InputError as error:
        if isinstance(error, (Trouble, *theirs)):
            raise
        shown = f"{what} cannot be read on this server, so it answers nothing; the server's log says why"
        raise Trouble(f"{what}: {error}", shown) from error
