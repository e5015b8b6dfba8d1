"""Each registry's own tool, pointed at a folder instead of the network."""

import hashlib
import json
import os
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlecs_ray.data.sources import Debian, HuggingFace, Local, Npm, Wheel
from mlecs_ray.errors import InputError
from tests.data.conftest import Maker


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def test_a_wheel_comes_by_pip(no_index: Path, work: Path, wheel: Maker) -> None:
    made = wheel(no_index / "toy_data-1.2-py3-none-any.whl", {"toy_data/x": "hello"})
    seen: list[int] = []
    got = Wheel("toy-data").get("1.2", work, seen.append)
    assert got.parent == work
    assert got.read_bytes() == made.read_bytes()
    assert seen


def test_a_version_that_pip_cannot_find_is_named_with_the_way_out(no_index: Path, work: Path) -> None:
    del no_index
    with pytest.raises(InputError, match=r"toy-data==9.*No matching distribution.*mlecs fetch NAME --archive FILE"):
        Wheel("toy-data").get("9", work, lambda _: None)


def test_a_debian_package_comes_by_apt_without_root_or_system_lists(
    tmp_path: Path, work: Path, deb: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    made = deb(repo / "toy_1.0-1_all.deb", {"./usr/x": "hello"})
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    (repo / "Packages").write_text(
        "Package: toy\nVersion: 1.0-1\nArchitecture: all\nMaintainer: a\nFilename: ./toy_1.0-1_all.deb\n"
        f"Size: {made.stat().st_size}\nSHA256: {digest}\nDescription: a\n"
    )
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{repo} ./\n")
    config = tmp_path / "apt.conf"
    config.write_text(f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "/dev/null";\n')
    monkeypatch.setenv("APT_CONFIG", str(config))
    got = Debian("toy").get("1.0-1", work, lambda _: None)
    assert got.read_bytes() == made.read_bytes()


@pytest.fixture
def npm_registry(tmp_path: Path, tgz: Maker, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that answers as an npm registry does, with ``toy`` 1.0 in it; and no npm on the PATH."""
    folder = tmp_path / "registry"
    (folder / "toy" / "-").mkdir(parents=True)
    tgz(folder / "toy" / "-" / "toy-1.0.tgz", {"package/x": "hello"})
    (folder / "toy" / "1.0").write_text(json.dumps({"dist": {"tarball": "http://behind.invalid/toy/-/toy-1.0.tgz"}}))
    monkeypatch.setenv("npm_config_registry", folder.as_uri())
    monkeypatch.setenv("PATH", str(tmp_path))
    return folder


def test_a_tarball_comes_from_the_npm_registry_without_npm(npm_registry: Path, work: Path) -> None:
    seen: list[int] = []
    got = Npm("toy").get("1.0", work, seen.append)
    assert got == work / "toy-1.0.tgz"
    assert got.read_bytes() == (npm_registry / "toy" / "-" / "toy-1.0.tgz").read_bytes()
    assert seen[-1] == got.stat().st_size


@pytest.mark.usefixtures("npm_registry")
def test_a_version_that_the_npm_registry_lacks_is_named_with_the_way_out(work: Path) -> None:
    words = r"toy@9 could not be fetched from the npm registry \(.*No such file.*--archive FILE"
    with pytest.raises(InputError, match=words):
        Npm("toy").get("9", work, lambda _: None)


def test_a_missing_tool_is_named(tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get is not installed"):
        Debian("toy").get("1.0", work, lambda _: None)


def test_what_a_failing_tool_said_last_is_shown(tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "apt-get"
    program.write_text("#!/bin/sh\necho chatter; echo 'E: no such package'; echo hint; exit 1\n")
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(InputError, match=r"toy=1.0 .*\(E: no such package\)"):
        Debian("toy").get("1.0", work, lambda _: None)


COMMIT = "0123456789" * 4


class Hub(BaseHTTPRequestHandler):
    """What the hub's client asks for, of the repository ``o/r`` with one file in it; all else is missing."""

    def do_GET(self) -> None:
        file = {"type": "file", "path": "config.json", "size": 2, "oid": "a" * 40}
        known = {
            f"/api/models/o/r/revision/{COMMIT}": json.dumps({"id": "o/r", "sha": COMMIT, "siblings": []}),
            f"/api/models/o/r/tree/{COMMIT}": json.dumps([file]),
            f"/o/r/resolve/{COMMIT}/config.json": "{}",
        }
        body = known.get(self.path.partition("?")[0])
        self.send_response(404 if body is None else 200)
        for key, value in {"X-Repo-Commit": COMMIT, "ETag": '"a"', "Content-Length": str(len(body or ""))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write((body or "").encode())

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub on this machine, in a process that the command line keeps offline."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        yield
        server.shutdown()


@pytest.mark.usefixtures("hub")
def test_a_hub_model_comes_at_its_commit_though_all_else_is_offline(work: Path) -> None:
    seen: list[int] = []
    got = HuggingFace("o/r").get(COMMIT, work, seen.append)
    assert {path.name: path.read_text() for path in got.iterdir()} == {"config.json": "{}"}
    assert seen
    assert os.environ["HF_HUB_OFFLINE"] == "1"


@pytest.mark.usefixtures("hub")
def test_a_model_that_the_hub_lacks_is_the_users_to_mend(work: Path) -> None:
    with pytest.raises(InputError, match=rf"o/none@{COMMIT} could not be fetched .*404.*mlecs fetch NAME --archive"):
        HuggingFace("o/none").get(COMMIT, work, lambda _: None)


def test_a_local_file_is_used_where_it_lies(tmp_path: Path, work: Path) -> None:
    assert Local(tmp_path).get("", work, lambda _: None) == tmp_path
    with pytest.raises(InputError, match="does not exist"):
        Local(tmp_path / "none").get("", work, lambda _: None)
