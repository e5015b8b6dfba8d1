"""Two parsers, one meaning."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.reading import parsed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.booleans())
def test_what_json_has_is_read_as_json_reads_it(value: Any, plain: bool) -> None:
    body = json.dumps(value, ensure_ascii=plain).encode(errors="surrogatepass")
    assert repr(parsed(body)) == repr(json.loads(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b"[NaN, Infinity, -Infinity, 1e999, -0.0, 1e-400]",
        b'"\\ud800"',
        b"\xef\xbb\xbf[1]",
        "[1]".encode("utf-16"),
        b"[" * 500 + b"]" * 500,
    ],
)
def test_what_only_one_of_them_takes_or_others_read_otherwise_is_read_as_before(body: bytes) -> None:
    assert repr(parsed(body)) == repr(json.loads(body))


def test_what_is_wrong_is_said_by_place() -> None:
    with pytest.raises(json.JSONDecodeError, match="Expecting value") as found:
        parsed(b'{"model": ')
    assert found.value.pos == 10
