"""Which token is said next."""

import math

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.serving.sampling import Sampling
from mlecs_ray.serving.sampling import choose as choose_each


def choose(logits: torch.Tensor, sampling: Sampling, draw: torch.Generator) -> tuple[int, float]:
    """Of one row."""
    return choose_each(logits[None], [(sampling, draw)])[0]


LOGITS = torch.tensor([0.1, 0.4, 0.3, 0.2]).log()


def test_without_temperature_the_likeliest_is_said_with_its_log_probability() -> None:
    token, logprob = choose(LOGITS, Sampling(), Sampling().generator())
    assert token == 1
    assert logprob == pytest.approx(math.log(0.4), abs=1e-6)


def test_draws_follow_the_distribution() -> None:
    sampling = Sampling(temperature=1.0, seed=3)
    draw = sampling.generator()
    counts = torch.bincount(torch.tensor([choose(LOGITS, sampling, draw)[0] for _ in range(4000)]), minlength=4)
    assert torch.allclose(counts / 4000, torch.tensor([0.1, 0.4, 0.3, 0.2]), atol=0.03)


def test_top_p_leaves_out_the_least_likely() -> None:
    """The two likeliest reach 0.7; of a smaller share the first alone is left."""
    sampling = Sampling(temperature=1.0, top_p=0.69, seed=1)
    draw = sampling.generator()
    assert {choose(LOGITS, sampling, draw)[0] for _ in range(200)} == {1, 2}
    one = Sampling(temperature=1.0, top_p=0.01, seed=1)
    assert {choose(LOGITS, one, draw)[0] for _ in range(20)} == {1}


def test_a_low_temperature_is_nearly_none() -> None:
    sampling = Sampling(temperature=0.01, seed=5)
    draw = sampling.generator()
    assert {choose(LOGITS, sampling, draw)[0] for _ in range(50)} == {1}


def test_the_same_seed_says_the_same() -> None:
    sampling = Sampling(temperature=1.5, seed=11)
    first, again = sampling.generator(), sampling.generator()
    said = [choose(LOGITS, sampling, first)[0] for _ in range(30)]
    assert said == [choose(LOGITS, sampling, again)[0] for _ in range(30)]


def test_rows_are_chosen_each_by_its_own_rule() -> None:
    hot, cold = Sampling(temperature=1.0, seed=1), Sampling()
    rows = choose_each(torch.stack([LOGITS, LOGITS.flip(0)]), [(hot, hot.generator()), (cold, cold.generator())])
    assert rows[0] == choose(LOGITS, hot, hot.generator())
    assert rows[1][0] == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"max_tokens": 0}, "max_tokens=0"),
        ({"temperature": 2.1}, "temperature=2.1"),
        ({"top_p": 0.0}, "top_p=0.0"),
        ({"stop": ("",)}, "stop="),
        ({"stop": ("a",) * 5}, "stop="),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Sampling(**wrong)  # type: ignore[arg-type]
