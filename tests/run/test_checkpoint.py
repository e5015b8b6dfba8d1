"""Checkpoints come back as they were, whole or not at all, and there are never more than two."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from mlecs_ray.errors import InputError
from mlecs_ray.method import Update
from mlecs_ray.run.checkpoint import Checkpoint, has_checkpoint, newest, save
from mlecs_ray.run.records import Counts
from mlecs_ray.server.snapshot import Snapshot
from mlecs_ray.tree import tree_digest

WEIGHTS = torch.tensor([1.5, -2.0])


def checkpoint(version: int = 3) -> Checkpoint:
    """The state and two payloads; the first payload is the state's own tensor."""
    trees = {
        "state": {"layer": {"w": WEIGHTS}, "steps": torch.tensor(7)},
        "payload/0": {"layer": {"w": WEIGHTS}},
        "payload/1": {"layer": {"w": WEIGHTS + 1}},
    }
    facts = {"server": {"version": version}, "now": 0.1 + 0.2, "agenda": [[1.5, 0, ["Due", 3]]]}
    return Checkpoint(Snapshot(facts, trees), {4: {"c": torch.ones(2)}, 11: {"c": torch.zeros(1)}}, Counts(9, 5, 2))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_a_checkpoint_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    save(tmp_path, checkpoint())
    back = newest(tmp_path)
    assert back.counts == Counts(9, 5, 2)
    assert back.snapshot.facts == checkpoint().snapshot.facts
    assert torch.equal(back.snapshot.trees["state"]["layer"]["w"], WEIGHTS)
    assert int(back.snapshot.trees["state"]["steps"]) == 7
    assert torch.equal(back.snapshot.trees["payload/1"]["layer"]["w"], WEIGHTS + 1)
    assert {client: tree["c"].tolist() for client, tree in back.kept.items()} == {4: [1.0, 1.0], 11: [0.0]}


def test_answers_of_cohorts_under_way_come_back(tmp_path: Path) -> None:
    """One that keeps something, one that does not, and one whose trees hold nothing."""
    tree, kept = {"layer": {"w": WEIGHTS}}, {"c": torch.ones(2)}
    said = {
        3: Update(tree, 2.0, kept, {"loss": 0.1 + 0.2}, norm=2.5),
        8: Update(tree, 1.0, norm=2.5),
        9: Update({}, 4.0),
    }
    save(tmp_path, replace(checkpoint(), answers=said))
    back = newest(tmp_path).answers
    assert {number: (one.weight, one.metrics, one.norm) for number, one in back.items()} == {
        3: (2.0, {"loss": 0.1 + 0.2}, 2.5),
        8: (1.0, {}, 2.5),
        9: (4.0, {}, None),
    }
    assert [tree_digest(back[n].tree) for n in (3, 8, 9)] == [tree_digest(one.tree) for one in said.values()]
    assert [tree_digest(back[n].kept) for n in (3, 8, 9)] == [tree_digest(one.kept) for one in said.values()]


def test_a_tensor_that_several_trees_share_is_stored_once_and_shared_again(tmp_path: Path) -> None:
    """Three distinct tensors: w, steps and w + 1."""
    path = save(tmp_path, checkpoint())
    with safe_open(path / "tensors.safetensors", "pt") as file:
        assert len(file.keys()) == 3
    trees = newest(tmp_path).snapshot.trees
    assert trees["state"]["layer"]["w"] is trees["payload/0"]["layer"]["w"]


def test_the_newest_two_are_kept_and_the_newest_is_read(tmp_path: Path) -> None:
    for version in (2, 10, 100):
        save(tmp_path, checkpoint(version))
    assert names(tmp_path) == ["00000010", "00000100"]
    assert newest(tmp_path).snapshot.facts["server"]["version"] == 100


def test_the_same_version_can_be_saved_again(tmp_path: Path) -> None:
    """A run that is stopped right after a checkpoint does so."""
    save(tmp_path, checkpoint())
    save(tmp_path, checkpoint())
    assert names(tmp_path) == ["00000003"]


def test_what_a_crash_left_half_written_is_no_checkpoint(tmp_path: Path) -> None:
    half = tmp_path / "checkpoints" / ".00000003.part"
    half.mkdir(parents=True)
    (half / "facts.json").write_text("{")
    assert not has_checkpoint(tmp_path)
    save(tmp_path, checkpoint())
    assert names(tmp_path) == ["00000003"]


def test_a_run_without_checkpoint_says_so(tmp_path: Path) -> None:
    assert not has_checkpoint(tmp_path)
    with pytest.raises(InputError, match=r"has no checkpoint, so there is nothing to resume; run it again"):
        newest(tmp_path)


@pytest.mark.parametrize("name", ["facts.json", "tensors.safetensors", "kept.safetensors"])
@pytest.mark.parametrize("damage", ["gone", "cut", "empty object"])
def test_a_damaged_checkpoint_is_named_with_the_way_out(tmp_path: Path, name: str, damage: str) -> None:
    save(tmp_path, checkpoint(1))
    path = save(tmp_path, checkpoint(2))
    file = path / name
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"{}" if damage == "empty object" else file.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"00000002 is damaged \(.*\); delete it to resume from the one before it"):
        newest(tmp_path)


def test_a_checkpoint_of_another_format_is_named_and_not_called_damaged(tmp_path: Path) -> None:
    facts = save(tmp_path, checkpoint(1)) / "facts.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "format": 9}))
    with pytest.raises(InputError, match=r"00000001 was written by format 9, this reads 5: resume it by the version"):
        newest(tmp_path)


def test_a_disk_that_refuses_is_named_and_the_one_before_is_whole(tmp_path: Path) -> None:
    """A file in the place of the new folder: as on a full disk, nothing can be written there."""
    save(tmp_path, checkpoint(1))
    (tmp_path / "checkpoints" / ".00000002.part").write_text("")
    with pytest.raises(
        InputError, match=r"00000002: .*, so this checkpoint was not written; the one before it is whole"
    ):
        save(tmp_path, checkpoint(2))
    assert newest(tmp_path).snapshot.facts["server"]["version"] == 1
