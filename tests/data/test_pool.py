"""The split by identity."""

from dataclasses import replace

import pytest
import torch

from mlecs_ray.data.pool import Dataset, Pool, Split, answering_classes, divide, set_apart, standardised
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples


def _pool(ids: list[str]) -> Pool:
    return Pool("toy", Samples(inputs={"a": torch.arange(len(ids))[:, None].float()}, ids=tuple(ids)), ("x",))


def test_an_identity_is_on_one_side_only_and_nothing_is_lost() -> None:
    data = divide(_pool([f"thing {i % 40}" for i in range(100)]), Split(), seed=1)
    parts = [set(part.ids) for part in (data.train, data.public, data.test)]
    assert sum(map(len, parts)) == 40 == len(set.union(*parts))
    assert len(data.train) + len(data.public) + len(data.test) == 100


def test_shares_are_of_identities() -> None:
    """40 identities: 0.15 are 6 for the test, 0.2 are 8 public, 26 are left."""
    data = divide(_pool([f"thing {i}" for i in range(40)]), Split(public=0.2, test=0.15), seed=1)
    assert (len(data.test), len(data.public), len(data.train)) == (6, 8, 26)


def test_the_seed_alone_decides() -> None:
    pool = _pool([f"thing {i}" for i in range(40)])
    assert divide(pool, Split(), 1).test.ids == divide(pool, Split(), 1).test.ids
    assert divide(pool, Split(), 1).test.ids != divide(pool, Split(), 2).test.ids


def test_no_public_set_may_be_wished_for() -> None:
    assert len(divide(_pool(["a", "b", "c"]), Split(public=0, test=0.34), 1).public) == 0


@pytest.mark.parametrize(("public", "test"), [(0.5, 0.5), (-0.1, 0.2), (0.1, 0), (float("nan"), 0.1)])
def test_shares_that_leave_nothing_are_refused(public: float, test: float) -> None:
    with pytest.raises(InputError, match=f"public={public} and test={test}"):
        Split(public, test)


def test_too_few_identities_for_a_split_are_refused() -> None:
    with pytest.raises(InputError, match="2 identities leave none for the public split"):
        divide(_pool(["a", "b"]), Split(public=0.2, test=0.1), 1)


def test_features_are_standardised_by_what_private_and_public_samples_show_and_absent_rows_stay_zero() -> None:
    """numpy: seen = [1, 3, 5]; mean 3, deviation 2 (n - 1); so 1 -> -1, 5 -> 1, and a test value of 7 -> 2."""

    def part(values: list[float], present: list[bool]) -> Samples:
        return Samples({"m": torch.tensor(values)[:, None]}, {"m": torch.tensor(present)})

    train, public, test = part([1.0, 0.0, 3.0], [True, False, True]), part([5.0], [True]), part([7.0], [True])
    scaled = standardised(Dataset("toy", train, public, test, ("m",), ()))
    assert scaled.train.inputs["m"].flatten().tolist() == pytest.approx([-1.0, 0.0, 0.0], abs=1e-3)
    assert scaled.public.inputs["m"].item() == pytest.approx(1.0, abs=1e-3)
    assert scaled.test.inputs["m"].item() == pytest.approx(2.0, abs=2e-3)


@pytest.mark.parametrize("count", [10, 11, 13])
def test_folds_test_every_identity_once(count):
    pool = Pool("toy", Samples({"m": torch.zeros(count, 1)}, ids=tuple(str(i) for i in range(count))), ())
    parts = [divide(pool, Split(0.2, 0.25, fold), seed=3) for fold in range(4)]
    assert sorted(identity for part in parts for identity in part.test.ids) == sorted(pool.samples.ids)
    for part in parts:
        assert sorted((*part.train.ids, *part.public.ids, *part.test.ids)) == sorted(pool.samples.ids)


def test_a_fold_beyond_the_last_is_refused():
    with pytest.raises(InputError, match=r"fold=5 must lie in 0\.\.4: with test=0\.2 there are 5 folds"):
        Split(0.2, 0.2, 5)


def test_classes_become_the_texts_to_say():
    samples = Samples({"m": torch.zeros(2, 1)}, labels=torch.tensor([1, 0]), texts=("x", "y"))
    named = answering_classes(Dataset("toy", samples, samples.take([0]), samples.take([1]), ("m",), ("cat", "dog")))
    assert (named.train.texts, named.public.texts, named.test.texts) == (("dog.", "cat."), ("dog.",), ("cat.",))


def test_classes_that_are_not_there_cannot_be_said():
    samples = Samples({"m": torch.zeros(2, 1)})
    with pytest.raises(InputError, match=r"task\.answer=class needs classes, toy has none"):
        answering_classes(Dataset("toy", samples, samples, samples, ("m",), ()))


def test_identities_that_are_set_apart_are_the_test_and_public_is_a_share_of_the_others() -> None:
    """40 identities, 8 of them the test: 0.25 of the other 32 are 8 public, 24 are left."""
    kept = frozenset(f"thing {i}" for i in range(0, 40, 5))
    data = divide(replace(_pool([f"thing {i}" for i in range(40)]), test=kept), Split(public=0.25, test=0.5), seed=1)
    assert set(data.test.ids) == kept
    assert (len(data.public), len(data.train)) == (8, 24)


def test_a_test_that_is_set_apart_has_no_folds() -> None:
    pool = replace(_pool(["a", "b", "c"]), test=frozenset("a"))
    with pytest.raises(InputError, match="fold=1 must be null, as toy has a test of its own"):
        divide(pool, Split(public=0.0, test=0.3, fold=1), 1)


def test_an_identity_in_training_and_test_is_refused() -> None:
    assert set_apart("toy", ["a", "b", "b"], [False, True, True]) == {"b"}
    with pytest.raises(InputError, match="toy has b both in its training part and in its test"):
        set_apart("toy", ["a", "b", "b"], [False, True, False])
