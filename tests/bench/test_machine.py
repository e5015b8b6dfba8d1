"""What a figure was measured with."""

from pathlib import Path

from bench.machine import source


def test_code_has_a_digest_of_its_own(tmp_path: Path) -> None:
    for package in ("serve", "other"):
        (tmp_path / package).mkdir()
    (tmp_path / "serve" / "one.py").write_text("x = 1\n")
    before = source(tmp_path)
    assert len(before) == len("source ") + 12
    assert source(tmp_path) == before
    (tmp_path / "serve" / "one.py").rename(tmp_path / "serve" / "two.py")
    moved = source(tmp_path)
    (tmp_path / "serve" / "two.py").write_text("x = 2\n")
    changed = source(tmp_path)
    assert len({before, moved, changed}) == 3
    (tmp_path / "other" / "three.py").write_text("x = 3\n")
    assert source(tmp_path) == changed


def test_what_is_no_code_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "serve").mkdir()
    before = source(tmp_path)
    (tmp_path / "serve" / "py.typed").touch()
    assert source(tmp_path) == before
