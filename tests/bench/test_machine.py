"""What a figure was measured with."""

from pathlib import Path

from bench.machine import source


def test_code_has_a_digest_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("x = 1\n")
    before = source(tmp_path)
    assert len(before) == len("source ") + 12
    assert source(tmp_path) == before
    (tmp_path / "one.py").rename(tmp_path / "two.py")
    moved = source(tmp_path)
    (tmp_path / "two.py").write_text("x = 2\n")
    assert len({before, moved, source(tmp_path)}) == 3


def test_what_is_no_code_does_not_count(tmp_path: Path) -> None:
    before = source(tmp_path)
    (tmp_path / "py.typed").touch()
    assert source(tmp_path) == before
