"""The clients' training loop: what it computes, what it leaves alone, and what it costs."""

from dataclasses import replace

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.method import Job
from mlecs_ray.methods.local import LocalTraining, batches, clipped, differentiated, fit, seen_of, steps_of
from mlecs_ray.methods.optimizers import SGD, AdamW
from mlecs_ray.tree import tree_digest, tree_norm, tree_scale
from tests.methods.toy import LeastSquares, client, points, scalar, value

TASK = LeastSquares()


def job(tree=None, seed: int = 1) -> Job:
    return Job(client(), 0, seed, tree or scalar(0.0))


def test_full_batch_descent_by_hand():
    """Loss 1/2 (2w - 4)^2, gradient 2 (2w - 4): from w = 0 with rate 0.1, w = 0.8 then 1.28; losses 8 and 2.88."""
    learned = fit(TASK, LocalTraining(SGD(0.1), batch=4, epochs=2), job(), points([2.0], [4.0]))
    assert value(learned.params) == pytest.approx(1.28)
    assert (learned.loss, learned.steps) == (pytest.approx(5.44), 2)


def test_the_mean_loss_counts_samples_not_batches():
    """Rate 1e-9 keeps w at 0: losses 1/2 y^2 = 0.5, 0.5, 4.5 over batches of 2 and 1 have the mean 5.5 / 3."""
    learned = fit(TASK, LocalTraining(SGD(1e-9), batch=2), job(), points([1.0] * 3, [1.0, 1.0, 3.0]))
    assert learned.loss == pytest.approx(5.5 / 3)


@pytest.mark.parametrize(
    ("epochs", "steps", "expected"),
    [(1, None, (3, 10)), (2, None, (6, 20)), (2, 4, (4, 14)), (3, 2, (2, 8)), (1, 9, (3, 10))],
)
def test_steps_and_samples_are_known_beforehand(epochs, steps, expected):
    """10 samples in batches of 4 are 4 + 4 + 2."""
    local = LocalTraining(SGD(0.1), batch=4, epochs=epochs, steps=steps)
    rows = [len(batch) for batch in batches(local, 10, seed=3)]
    assert (steps_of(local, 10), seen_of(local, 10)) == expected == (len(rows), sum(rows))


def test_no_samples_cost_nothing():
    assert seen_of(LocalTraining(SGD(0.1), batch=4), 0) == 0


def test_every_epoch_meets_every_sample_in_another_order():
    local = LocalTraining(SGD(0.1), batch=50, epochs=2)
    first, second = batches(local, 50, seed=3)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(50))
    assert first.tolist() != second.tolist()


def test_the_order_follows_the_seed_alone():
    local = LocalTraining(SGD(0.1), batch=50)
    (first,), (again,), (other,) = (batches(local, 50, seed) for seed in (3, 3, 4))
    assert first.equal(again)
    assert not first.equal(other)


def test_what_was_sent_stays_as_it_was():
    sent = scalar(1.0)
    before = tree_digest(sent)
    learned = fit(TASK, LocalTraining(SGD(0.1, momentum=0.9), batch=1, epochs=3), job(sent), points([1.0], [5.0]))
    assert tree_digest(sent) == before
    assert not sent["x"]["w"].requires_grad
    assert not learned.params["x"]["w"].requires_grad


class Dropping(LeastSquares):
    """Least squares that drops each weight by chance."""

    def loss(self, params, batch, client):
        kept = {"x": {"w": torch.nn.functional.dropout(params["x"]["w"], 0.5)}}
        return super().loss(kept, batch, client)


def test_dropout_follows_the_job_and_leaves_the_global_generator_alone():
    task, local = Dropping(features=50), LocalTraining(SGD(0.1), batch=1)
    data = points([1.0], [1.0])
    data = type(data)({"x": torch.ones(1, 50), "y": torch.ones(1)})
    tree = {"x": {"w": torch.ones(50)}}

    def once(seed: int) -> str:
        return tree_digest(fit(task, local, job(tree, seed), data).params)

    before = torch.get_rng_state()
    first = once(1)
    assert torch.get_rng_state().equal(before)
    torch.rand(7)
    assert once(1) == first != once(2)


def test_training_works_where_gradients_are_switched_off():
    with torch.no_grad():
        learned = fit(TASK, LocalTraining(SGD(0.1), batch=1), job(), points([1.0], [1.0]))
    assert value(learned.params) == pytest.approx(0.1)


def test_adjust_sees_the_gradient_and_the_current_weights():
    """Gradients w - 1 = -1, then -0.9 as adjust zeroes nothing but records: w goes 0, 0.1."""
    seen = []

    def spy(grads, params, _sent):
        seen.append((value(grads), value(params)))
        return tree_scale(grads, 2.0)

    learned = fit(TASK, LocalTraining(SGD(0.05), batch=1, epochs=2), job(), points([1.0], [1.0]), spy)
    assert seen == [pytest.approx((-1.0, 0.0)), pytest.approx((-0.9, 0.1))]
    assert value(learned.params) == pytest.approx(0.19)


def test_a_leaf_the_loss_does_not_use_stays():
    tree = {**scalar(0.0), "unused": torch.ones(2)}

    class Half(LeastSquares):
        def loss(self, params, batch, client):
            return super().loss({"x": params["x"]}, batch, client)

    learned = fit(Half(), LocalTraining(SGD(0.1), batch=1), job(tree), points([1.0], [1.0]))
    assert learned.params["unused"].tolist() == [1.0, 1.0]


def test_clipping_bounds_the_norm_over_all_leaves():
    """(3, 4) has norm 5; torch adds 1e-6 to it."""
    grads = {"a": torch.tensor([3.0]), "b": {"c": torch.tensor(4.0)}}
    assert tree_norm(clipped(grads, 1.0)) == pytest.approx(1.0, abs=1e-6)
    assert tree_digest(clipped(grads, 6.0)) == tree_digest(grads)


def test_clipping_takes_place_after_the_adjustment():
    """Gradient -10 doubled is -20, clipped to -1: one step of 0.1."""
    local = LocalTraining(SGD(0.1), batch=1, clip=1.0)
    learned = fit(TASK, local, job(), points([1.0], [10.0]), lambda grads, *_: tree_scale(grads, 2.0))
    assert value(learned.params) == pytest.approx(0.1, abs=1e-6)


def test_a_client_without_samples_is_refused():
    with pytest.raises(InputError, match="client 0 has 0 samples"):
        fit(TASK, LocalTraining(SGD(0.1), batch=1), job(), points([], []))


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.5, weight_decay=0.1), AdamW(0.1)], ids=["sgd", "adamw"])
def test_an_annealed_job_takes_the_steps_of_optimisers_whose_rates_fall(optimizer):
    """Of four steps the rates are 0.1, 0.075, 0.05 and 0.025."""
    data, local = points([1.0, 2.0, 1.0, 3.0], [4.0, 1.0, 2.0, 0.0]), LocalTraining(optimizer, batch=1, anneal=True)
    learned = fit(TASK, local, job(), data)
    wanted, state = scalar(0.0), optimizer.init(scalar(0.0))
    for step, rows in enumerate(batches(local, 4, seed=1)):
        grads = differentiated(lambda params, rows=rows: TASK.loss(params, data.take(rows), client()), wanted)[1]
        wanted, state = replace(optimizer, lr=0.1 * (1 - step / 4)).step(wanted, grads, state)
    assert value(learned.params) == pytest.approx(value(wanted), rel=1e-5)


@pytest.mark.parametrize("field", [{"batch": 0}, {"epochs": 0}, {"steps": 0}, {"clip": 0.0}])
def test_a_wrong_number_is_refused_at_construction(field):
    ((name, number),) = field.items()
    with pytest.raises(InputError, match=f"{name}={number} must be"):
        LocalTraining(**({"optimizer": SGD(0.1), "batch": 1} | field))
