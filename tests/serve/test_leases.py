"""A version's folder stays for as long as one process needs it."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from serve.leases import Lease, remove

HOLD = """
import sys
from pathlib import Path
from serve.leases import Lease
lease = Lease(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def version(tmp_path: Path) -> Path:
    folder = tmp_path / "6-0123abcd"
    (folder / "edge").mkdir(parents=True)
    (folder / "edge" / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def other(version: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process with a lease."""
    order = [sys.executable, "-c", HOLD, str(version)]
    with subprocess.Popen(order, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_that_nobody_needs_goes_without_a_trace(version: Path) -> None:
    assert remove(version)
    assert list(version.parent.iterdir()) == []
    assert not remove(version)


def test_a_folder_with_a_lease_stays_until_the_last_one_has_ended(version: Path) -> None:
    first, second = Lease(version), Lease(version)
    assert not remove(version)
    del first
    assert not remove(version)
    assert (version / "edge" / "model.safetensors").read_bytes() == b"weights"
    second.close()
    assert remove(version)


def test_a_lease_of_another_process_holds_and_ends_with_it_however_it_dies(
    version: Path, other: subprocess.Popen[str]
) -> None:
    assert not remove(version)
    other.kill()
    other.wait()
    assert remove(version)


def test_there_is_no_lease_on_what_is_not_there(version: Path) -> None:
    remove(version)
    with pytest.raises(InputError, match="is not there, or is just being removed, so nobody can answer with it"):
        Lease(version)


def test_who_comes_while_a_folder_is_removed_has_no_lease(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened before it has another name, and asked for after it."""
    asked: list[bool] = []

    def between(folder: Path, _: int) -> bool:
        with pytest.raises(InputError):
            Lease(folder)
        asked.append(True)
        return True

    monkeypatch.setattr("serve.leases._is", between)
    assert remove(version)
    assert asked == [True]


def test_a_folder_that_another_one_has_replaced_is_not_the_one_that_was_meant(
    version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was removed and taken over again between opening and locking: the new one is nobody's to remove."""
    real = fcntl.flock

    def replaced(opened: int, kind: int) -> None:
        if (version / "edge").exists():
            version.rename(version.with_name("old"))
            version.mkdir()
        real(opened, kind)

    monkeypatch.setattr(fcntl, "flock", replaced)
    assert not remove(version)
    assert version.is_dir()


def test_without_locks_nothing_is_removed_and_all_can_be_read(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", none)
    Lease(version)
    assert not remove(version)
