"""Rows of keys and values that come, grow and go without disturbing each other."""

import pytest
import torch

from mlecs_ray.serving.slots import Slots


def _written(slots: Slots, rows: range, tokens: int, value: float) -> tuple[torch.Tensor, torch.Tensor]:
    slots.open(rows, [tokens] * len(rows))
    new = torch.full((len(rows), 1, tokens, 2), value)
    return slots.cache.update(new, -new, 0)


def test_a_row_reads_what_it_wrote_whatever_stands_beside_it() -> None:
    slots = Slots(1, 3, 100)
    assert [slots.join(), slots.join()] == [0, 1]
    _written(slots, range(0, 1), 3, 1.0)
    _written(slots, range(1, 2), 1, 2.0)
    keys, values = _written(slots, range(0, 2), 1, 3.0)
    assert keys[0, 0, :, 0].tolist() == [1, 1, 1, 3]
    assert keys[1, 0, :2, 0].tolist() == [2, 3]
    assert torch.equal(values, -keys)


def test_the_mask_hides_what_is_behind_a_rows_own_end() -> None:
    slots = Slots(1, 2, 100)
    slots.join(), slots.join()
    slots.open(range(0, 1), [3])
    slots.open(range(1, 2), [1])
    inputs = slots.open(range(0, 2), [1, 1])
    assert inputs["attention_mask"][:, 0, 0].tolist() == [[True] * 4, [True, True, False, False]]
    assert inputs["position_ids"].tolist() == [[3], [1]]


def test_a_prompt_sees_only_what_stands_before() -> None:
    slots = Slots(1, 1, 100)
    slots.join()
    assert slots.open(range(0, 1), [3])["attention_mask"][0, 0].tolist() == torch.ones(3, 3).tril().bool().tolist()


def test_those_behind_one_that_leaves_move_up_and_keep_their_order() -> None:
    slots = Slots(1, 3, 100)
    for value in (1.0, 2.0, 3.0):
        row = slots.join()
        _written(slots, range(row, row + 1), int(value), value)
    slots.leave(0)
    assert slots.lengths == [2, 3]
    keys, _ = _written(slots, range(0, 2), 1, 9.0)
    assert keys[0, 0, :3, 0].tolist() == [2, 2, 9]
    assert keys[1, 0, :, 0].tolist() == [3, 3, 3, 9]
    slots.leave(1)
    assert slots.lengths == [3]


def test_rows_that_read_fewer_tokens_are_filled_up_behind_and_overwritten_later() -> None:
    slots = Slots(1, 2, 100)
    slots.join(), slots.join()
    inputs = slots.open(range(0, 2), [3, 1])
    slots.cache.update(torch.arange(6.0).view(2, 1, 3, 1), torch.zeros(2, 1, 3, 1), 0)
    assert inputs["position_ids"].tolist() == [[0, 1, 2]] * 2
    assert slots.lengths == [3, 1]
    slots.open(range(0, 2), [1, 1])
    keys, _ = slots.cache.update(torch.full((2, 1, 1, 1), 9.0), torch.zeros(2, 1, 1, 1), 0)
    assert keys[0, 0, :, 0].tolist() == [0, 1, 2, 9]
    assert keys[1, 0, :2, 0].tolist() == [3, 9]


def test_rows_grow_beyond_what_was_made_at_first() -> None:
    slots = Slots(1, 1, 1000)
    slots.join()
    _written(slots, range(0, 1), 70, 1.0)
    keys, _ = _written(slots, range(0, 1), 70, 2.0)
    assert keys[0, 0, :, 0].tolist() == [1.0] * 70 + [2.0] * 70
    assert slots.bytes == 2 * 192 * 2 * 4


def test_nobody_joins_where_all_rows_are_taken() -> None:
    slots = Slots(1, 1, 10)
    slots.join()
    with pytest.raises(IndexError, match="all 1 rows are taken"):
        slots.join()
