"""Pictures from hosts that the operator has named, fetched so that no request reaches into our own network."""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from torch import Tensor
from yarl import URL

from mlecs_ray.data import backbones
from serve import media
from serve.media import Look, MediaError, MediaLimits

Address = IPv4Address | IPv6Address
Policy = Callable[[Address], bool]
"""Whether this address may be connected to."""

_URL_CHARACTERS = 2_000
_BLOCK = 65_536
_UNICAST = IPv6Network("2000::/3")
# These carry an IPv4 address inside, which a relay would take out again: 6to4 and Teredo.
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
# Azure's host agent, reachable from each of its machines and from nowhere else, at an address that looks public.
_AGENTS = (IPv4Address("168.63.129.16"),)


def public(address: Address) -> bool:
    """Whether it belongs to the open Internet: no loopback, private, link-local, shared, mapped or tunnelled one."""
    if not address.is_global or address.is_multicast or address.is_reserved or address in _AGENTS:
        return False
    if isinstance(address, IPv4Address):
        return True
    return address in _UNICAST and not any(address in tunnel for tunnel in _TUNNELS)


@final
class Guard(AbstractResolver):
    """Another resolver's answers, none of which the policy refuses: what was checked is what is connected to."""

    def __init__(self, resolver: AbstractResolver, allowed: Policy = public) -> None:
        self._resolver, self._allowed = resolver, allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises MediaError where one of the addresses is refused: a host with such an address is not trusted."""
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            _check(one["host"], self._allowed)
        return found

    async def close(self) -> None:
        """Close the other one."""
        await self._resolver.close()


async def image(url: object, limits: MediaLimits, allowed: Policy = public, look: Look = backbones.picture) -> Tensor:
    """What ``look`` makes of a ``data:`` or remote URL, decoded in a thread. Raises MediaError."""
    if isinstance(url, str) and url[:5].lower() in ("http:", "https"):
        raw = await fetch(url, limits, allowed)
        return await asyncio.to_thread(media.picture, raw, limits, look)
    return await asyncio.to_thread(media.image, url, limits, look)


async def fetch(url: str, limits: MediaLimits, allowed: Policy = public) -> bytes:
    """What a GET of the URL gives, within the limits on bytes and seconds; follows nothing, and uses no proxy.

    Raises MediaError for a host that ``limits`` does not name, an address that is not ``allowed``, and where it fails.
    """
    target = _target(url, limits, allowed)
    try:
        async with (
            _session(limits, allowed) as session,
            session.get(target, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as response,
        ):
            return await _body(response, limits)
    except TimeoutError:
        raise MediaError(
            f"image: {target.host} took more than {limits.fetch_seconds:g} s, so nothing is seen"
        ) from None
    except (aiohttp.ClientError, OSError) as error:
        # Not the error's text, which may tell a stranger about our network.
        raise MediaError(f"image: {target.host} gave no answer ({type(error).__name__}), so nothing is seen") from error


def _session(limits: MediaLimits, allowed: Policy) -> aiohttp.ClientSession:
    """For one request: it keeps neither connections, names nor cookies, and takes nothing from the environment."""
    guard = Guard(aiohttp.ThreadedResolver(), allowed)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=guard, use_dns_cache=False, force_close=True),
        timeout=aiohttp.ClientTimeout(total=limits.fetch_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


async def _body(response: aiohttp.ClientResponse, limits: MediaLimits) -> bytes:
    if response.status != 200:
        raise MediaError(f"image: the host answered {response.status}, must be 200: redirects are not followed")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise MediaError("image: the host compressed its answer, which may unpack to anything, so it is not read")
    body = bytearray()
    most = limits.image_bytes
    if (response.content_length or 0) <= most:
        async for block in response.content.iter_chunked(_BLOCK):
            body += block
            if len(body) > most:
                break
        else:
            return bytes(body)
    raise MediaError(f"image: the host's file must have {most:,} bytes or fewer, so it is not read", 413)


def _target(url: str, limits: MediaLimits, allowed: Policy) -> URL:
    if not limits.hosts:
        raise MediaError("image: remote URLs are switched off here, so send the picture itself in a data: URL")
    try:
        target = URL(url if len(url) <= _URL_CHARACTERS else "")
        host, named = target.host or "", target.host_port_subcomponent
    except ValueError:
        host, named = "", None
    if not host or target.scheme not in ("http", "https"):
        raise MediaError(f"image: the URL must be http or https, with a host, {_URL_CHARACTERS} characters at most")
    if target.raw_user is not None or target.raw_password is not None:
        raise MediaError("image: a URL with a user or a password is refused, as secrets do not belong in requests")
    if named not in limits.hosts:
        raise MediaError(f"image: host {named!r} is not among those that pictures may come from, so nothing is fetched")
    # The client asks no resolver about what it takes for an address.
    if ":" in host or host.replace(".", "").isdigit():
        _check(host, allowed)
    return target


def _check(address: str, allowed: Policy) -> None:
    try:
        fine = allowed(ip_address(address))
    except ValueError:
        fine = False
    if not fine:
        raise MediaError("image: the host's address is not on the public Internet, so nothing is fetched")
