"""Memory over a tree of processes, from a hand-made ``/proc``."""

import os
from pathlib import Path

from bench.memory import family, tree_pss


def process(proc: Path, pid: int, parent: int, kilobytes: int) -> None:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(f"{pid} (a) name (b) S {parent} 1 1")
    (folder / "smaps_rollup").write_text(f"0-1 ---p\nRss: 99999 kB\nPss: {kilobytes} kB\nPss_Anon: 1 kB\n")


def test_children_of_children_count_and_strangers_do_not(tmp_path):
    """(1 + 2 + 4) kB."""
    for pid, parent, kilobytes in ((10, 1, 1), (11, 10, 2), (12, 11, 4), (13, 1, 8)):
        process(tmp_path, pid, parent, kilobytes)
    assert sorted(family(10, tmp_path)) == [10, 11, 12]
    assert tree_pss(10, tmp_path) == 7 * 1024


def test_a_process_that_has_just_ended_counts_nothing(tmp_path):
    process(tmp_path, 10, 1, 1)
    (tmp_path / "11").mkdir()
    assert tree_pss(10, tmp_path) == 1024


def test_this_process_has_memory():
    assert tree_pss(os.getpid()) > 1_000_000
