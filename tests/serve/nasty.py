"""Requests that nobody means: bodies cut, turned and swollen, headers of nonsense, pictures of billions of pixels."""

import base64
import gzip
import json
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
MAGIC = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Request:
    """As it goes over the wire."""

    path: str
    body: bytes
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)


def _bomb(side: int) -> str:
    """A PNG of a few hundred bytes that says it is ``side`` pixels wide and high."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(100_000))), (b"IEND", b""))
    made = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return f"data:image/png;base64,{base64.b64encode(MAGIC + b''.join(made)).decode()}"


def _sound() -> str:
    """A WAV that says it lasts for hours."""
    head = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, 96_000, 384_000, 4, 16)
    return base64.b64encode(head + b"data\xff\xff\xff\xff" + bytes(64)).decode()


PICTURE = {"type": "image_url", "image_url": {"url": _bomb(60_000)}}
SOUND = {"type": "input_audio", "input_audio": {"data": _sound(), "format": "wav"}, "modality": "speech_fr"}
NUMBERS = {"type": "input_values", "input_values": {"values": [[1, 2.5], [3, 4]]}}
WORDS = {"type": "text", "text": "what is it?"}
CHAT: Body = {"model": "auto", "messages": [{"role": "user", "content": [WORDS]}], "seed": 7, "stop": ["."]}
SOUNDLY: tuple[tuple[str, Body], ...] = (
    ("/v1/chat/completions", {**CHAT, "temperature": 0.5, "top_p": 0.9, "max_tokens": 5}),
    ("/v1/chat/completions", {**CHAT, "stream": True, "stream_options": {"include_usage": True}}),
    ("/v1/chat/completions", {"model": "edge", "messages": [{"role": "user", "content": [PICTURE, SOUND]}]}),
    ("/v1/chat/completions", {**CHAT, "mlecs": {"policy": "cloud", "max_joules": 5, "max_latency_seconds": 1}}),
    ("/v1/embeddings", {"model": "edge", "input": ["red", "green"], "encoding_format": "base64"}),
    ("/v1/embeddings", {"model": "minilm", "input": [[WORDS], [NUMBERS]]}),
    ("/v1/classify", {"model": "edge", "input": [PICTURE]}),
    ("/v1/gallery/g", {"model": "edge", "entries": [{"vector": [1, 0.5, 0], "id": "a", "metadata": {"k": [1]}}]}),
    ("/v1/search", {"model": "edge", "gallery": "g", "vector": [1, 0, 0], "top_k": 3, "cameras": ["c"]}),
    ("/v1/versions", {"action": "try", "version": "9-00000000"}),
)
"""Bodies that mean something, to be spoilt."""
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, -0.0, 2**63, 10**400, float("nan"), float("inf"), "", " ", "\0", "\ud800"),
    *(
        "x" * 100_001,
        "é" * 5000,
        "\u202e\ufeff",
        [],
        {},
        [[]],
        [None],
        {"": {}},
        {"\udfff": 1},
        "data:image/png;base64,!",
    ),
    *(
        _bomb(60_000),
        _sound(),
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "../../etc/passwd",
        "%00",
        "5",
        [5] * 300,
    ),
)
HEADERS: tuple[dict[str, str], ...] = (
    *({"Content-Type": kind} for kind in ("", "text/plain", ";;;/", "application/json; charset=utf-16", "a/b" * 99)),
    *({"Authorization": told} for told in ("", "Bearer", "Bearer \xff", "Basic eDp5", "Bearer " + "x" * 4000)),
    *({"X-Request-ID": told} for told in ("", "a b", "\xff", "x" * 4000, "../..", "{}\\")),
    *({"Content-Encoding": told} for told in ("gzip", "br", "nonsense")),
    *(
        {"Accept": "nonsense"},
        {"Range": "bytes=0-1"},
        {"Expect": "nonsense"},
        {"Host": "evil.example"},
        {"Cookie": ";;="},
    ),
)
PATHS = (
    *("/", "/nothing", "//v1/models", "/v1/", "/v1/models/", "/v1/models/%00", "/v1/models/a%2Fb", "/v1/models/%ff"),
    *("/page/%00", "/page/../serve/keys.py", "/page/%2e%2e/keys.py", "/page/" + "a" * 3000, "/v1/models/" + "a" * 3000),
    *("/v1/gallery/%00", "/v1/gallery/g%2Fa", "/v1/gallery/g?limit=1&limit=x", "/v1/gallery/g?limit=-1&after=%00"),
    *("/v1/gallery/g?after=%ff", "/v1/gallery/g/%00", "/v1/gallery/g/", "/healthz?x=%ff", "/metrics?a&&=", "/readyz;x"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def whole() -> Iterator[Request]:
    """Each of the plain ones once: soundly made, with every header, on every path by every method."""
    for path, body in SOUNDLY:
        yield Request(path, _json(body))
        yield Request(path, gzip.compress(_json(body)), headers={"Content-Encoding": "gzip"})
        yield from (Request(path, _json(body), headers=headers) for headers in HEADERS)
    for path in (*PATHS, *dict(SOUNDLY)):
        yield from (Request(path, b"{}", method) for method in METHODS)


def spoilt(many: int, seed: int = 0) -> Iterator[Request]:
    """So many of ``SOUNDLY``, each spoilt in another way; the same ones for the same seed."""
    rng = random.Random(seed)
    for _ in range(many):
        path, body = rng.choice(SOUNDLY)
        ways = (_replaced, _replaced, _replaced, _cut, _turned, _doubled, _deep, _swollen)
        headers = rng.choice(HEADERS) if rng.random() < 0.05 else {}
        yield Request(path, rng.choice(ways)(rng, body), headers=headers)


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def _places(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield way
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield from _places(value, (*way, key))


def _with(node: Any, way: tuple[Any, ...], value: Any) -> Any:
    if not way:
        return value
    changed = dict(node) if isinstance(node, dict) else list(node)
    changed[way[0]] = _with(changed[way[0]], way[1:], value)
    return changed


def _replaced(rng: random.Random, body: Body) -> bytes:
    return _json(_with(body, rng.choice(list(_places(body))), rng.choice(VALUES)))


def _cut(rng: random.Random, body: Body) -> bytes:
    raw = _json(body)
    return raw[: rng.randrange(len(raw))]


def _turned(rng: random.Random, body: Body) -> bytes:
    raw = bytearray(_json(body))
    for _ in range(rng.randint(1, 8)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


def _doubled(rng: random.Random, body: Body) -> bytes:
    key = rng.choice(list(body))
    return _json(body)[:-1] + f", {json.dumps(key)}: {json.dumps(rng.choice(VALUES))}}}".encode()


def _deep(rng: random.Random, body: Body) -> bytes:
    depth = rng.choice((10, 100, 300, 900, 100_000))
    mark = json.dumps(_with(body, rng.choice(list(_places(body))), "@@"))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    return mark.replace('"@@"', opening * depth + "1" + closing * depth).encode()


def _swollen(rng: random.Random, body: Body) -> bytes:
    return _json({**body, **{f"unknown-{i}": rng.choice(VALUES) for i in range(rng.randint(1, 50))}})


RAW: tuple[bytes, ...] = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n{}",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{}",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    b"GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n",
    b"FOO /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /v1/models HTTP/1.0\r\n\r\n",
    b"GET /v1/models HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /v1/models\x00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 200_000 + b"\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX\x00: a\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\r\n\r\n",
)
"""What is no HTTP, or hardly."""
