"""Pictures from named hosts alone, from the public Internet alone, in time and size."""

import asyncio
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import Any

import aiohttp
import pytest
import torch
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from serve import media, remote
from serve.media import MediaError, MediaLimits
from tests.serve.sent import data_url, photo

Handler = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]
PHOTO = photo()


def loopback(address: remote.Address) -> bool:
    return address.is_loopback


def fetched(
    handler: Handler,
    url: str = "http://localhost:{port}/a.png",
    allowed: remote.Policy = loopback,
    **limits: Any,
) -> bytes:
    """What ``remote.fetch`` gives of a server on loopback."""

    async def serve() -> bytes:
        app = web.Application()
        app.router.add_get("/{name:.*}", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        hosts = (f"localhost:{port}", f"127.0.0.1:{port}")
        try:
            return await remote.fetch(url.format(port=port), MediaLimits(**{"hosts": hosts, **limits}), allowed)
        finally:
            await runner.cleanup()

    return asyncio.run(serve())


async def picture(_: web.Request) -> web.Response:
    return web.Response(body=PHOTO)


async def never(_: web.Request) -> web.Response:
    raise AssertionError("nothing may connect")


def refusal(*args: Any, status: int = 400, **kwargs: Any) -> str:
    with pytest.raises(MediaError) as caught:
        fetched(*args, **kwargs)
    assert caught.value.status == status
    return str(caught.value)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_picture_comes_from_a_host_that_is_named_and_allowed(name: str) -> None:
    assert fetched(picture, f"http://{name}:{{port}}/a.png") == PHOTO


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_loopback_is_refused_even_when_it_is_named(name: str) -> None:
    assert "not on the public Internet" in refusal(never, f"http://{name}:{{port}}/", remote.public)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not remote.public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_a_public_address_is_not(address: str) -> None:
    assert remote.public(ip_address(address))


class Told(AbstractResolver):
    """A resolver that always gives the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses, self.closed = addresses, False

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0) for one in self.addresses
        ]

    async def close(self) -> None:
        self.closed = True


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    async def ask(*addresses: str) -> list[str]:
        inner = Told(*addresses)
        guard = remote.Guard(inner)
        found = [one["host"] for one in await guard.resolve("a.org")]
        await guard.close()
        assert inner.closed
        return found

    assert asyncio.run(ask("8.8.8.8", "1.1.1.1")) == ["8.8.8.8", "1.1.1.1"]
    with pytest.raises(MediaError, match="not on the public Internet"):
        asyncio.run(ask("8.8.8.8", "10.0.0.1"))
    with pytest.raises(MediaError, match="not on the public Internet"):
        asyncio.run(ask("no address"))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://a.org/x.png", "host 'a.org' is not among"),
        ("http://b.org:81/x.png", "host 'b.org:81' is not among"),
        ("http://b.org@a.org/x.png", "a user or a password"),
        ("http://u:p@b.org/x.png", "a user or a password"),
        ("http://:p@b.org/x.png", "a user or a password"),
        ("ftp://b.org/x.png", "must be http or https"),
        ("file:///etc/passwd", "must be http or https"),
        ("http:///x", "must be http or https"),
        ("http://b.org:99999/", "must be http or https"),
        ("http://[::1/", "must be http or https"),
        ("b.org/x.png", "must be http or https"),
        ("http://b.org/" + "x" * 2_000, "2000 characters at most"),
        ("http://127.1/", "not on the public Internet"),
        ("http://2130706433/", "not on the public Internet"),
        ("http://[::ffff:7f00:1]/", "not on the public Internet"),
    ],
)
def test_a_url_that_names_anything_else_is_refused_before_anything_is_asked(url: str, told: str) -> None:
    limits = MediaLimits(hosts=("b.org", "127.1", "2130706433", "[::ffff:7f00:1]"))
    with pytest.raises(MediaError, match=told):
        asyncio.run(remote.fetch(url, limits))


def test_no_host_is_named_by_default() -> None:
    with pytest.raises(MediaError, match="switched off here"):
        asyncio.run(remote.fetch("https://a.org/x.png", MediaLimits()))


def test_redirects_and_errors_are_no_pictures() -> None:
    async def redirect(request: web.Request) -> web.Response:
        assert request.path == "/a.png"
        return web.Response(status=302, headers={"Location": "/b.png"})

    async def missing(_: web.Request) -> web.Response:
        return web.Response(status=404)

    assert "answered 302" in refusal(redirect)
    assert "answered 404" in refusal(missing)


def test_a_file_that_says_or_turns_out_to_be_too_large_is_refused() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 10_000)
        except ConnectionError:
            return response

    assert "must have 100 bytes or fewer" in refusal(picture, status=413, image_bytes=100)
    assert "must have 20,000 bytes or fewer" in refusal(endless, status=413, image_bytes=20_000)
    assert fetched(picture, image_bytes=len(PHOTO)) == PHOTO


def test_what_is_compressed_is_not_unpacked() -> None:
    async def zipped(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=b"bomb", headers={"Content-Encoding": "gzip"})

    assert "compressed its answer" in refusal(zipped)


def test_a_slow_host_is_left() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.Event().wait()
        return response

    async def limited(request: web.Request) -> web.StreamResponse:
        try:
            return await asyncio.wait_for(drip(request), 1)
        except TimeoutError:
            raise ConnectionError from None

    assert "took more than 0.2 s" in refusal(limited, fetch_seconds=0.2)


def test_a_host_that_hangs_up_gave_no_answer() -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.abort()
        return web.Response()

    assert "gave no answer" in refusal(hang_up)


def test_no_proxy_of_the_environment_is_used_and_no_cookie_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert fetched(picture) == PHOTO


def test_image_takes_data_and_remote_urls_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch(*asked: Any) -> bytes:
        assert asked == ("https://a.org/x.png", MediaLimits(), remote.public)
        return PHOTO

    monkeypatch.setattr(remote, "fetch", fetch)
    expected = media.picture(PHOTO, MediaLimits())
    for url in (data_url(PHOTO), "https://a.org/x.png"):
        assert torch.equal(asyncio.run(remote.image(url, MediaLimits())), expected)
    with pytest.raises(MediaError, match="must begin with data:"):
        asyncio.run(remote.image("ftp://a.org", MediaLimits()))


def test_the_client_has_no_other_way_to_an_address_than_what_is_checked() -> None:
    """What aiohttp takes for an address, and asks no resolver about, is what ``remote`` checks by itself."""
    for host in ("127.1", "2130706433", "::1", "10.0.0.1", "1.2.3"):
        assert aiohttp.helpers.is_ip_address(host)
        assert ":" in host or host.replace(".", "").isdigit()
    for host in ("0x7f.1", "a.org", "localhost"):
        assert not aiohttp.helpers.is_ip_address(host)
