"""A network decomposed: each block becomes a layer of modules of which a device holds some (arXiv 2311.11083)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mlecs_ray.errors import InputError
from mlecs_ray.models.inherit import inherit
from mlecs_ray.models.networks import Form, bridged
from mlecs_ray.models.shrink import Bypass, shrunk
from mlecs_ray.tree import Tree


@dataclass(frozen=True)
class Grain:
    """How finely a network is decomposed."""

    modules: int = 16
    """In each layer; one of them is the residual module, without weights."""
    ratio: float = 0.125
    """Inner width of a module, as a share of its block's."""
    blocks: int | None = None
    """Only the last so many blocks; None: all."""

    def __post_init__(self) -> None:
        if self.modules < 2:
            raise InputError(f"modules={self.modules} must be 2 or more, or a layer has nothing to choose from")
        if not 0 < self.ratio <= 1:
            raise InputError(f"ratio={self.ratio} must lie in (0, 1], or a module is no part of its block")
        if self.blocks is not None and self.blocks < 1:
            raise InputError(f"blocks={self.blocks} must be 1 or more, or nothing is decomposed")


@dataclass(frozen=True, eq=False)
class Decomposed:
    """Final. A network as fixed parts, which every device holds, and L layers of N modules each.

    Parameters: ``base/<part>/<leaf>`` and ``layers/<l>/<i>/<leaf>``, l and i counted from 0. Layer l gives
    ``sum_i g_li f_li(x)`` with the gates g of the selector; the last module of each layer is the residual one.
    """

    order: tuple[tuple[str, nn.Module | tuple[nn.Module, ...]], ...]
    """Parts, by name, and layers as they follow one another."""

    @cached_property
    def layers(self) -> tuple[tuple[nn.Module, ...], ...]:
        """The modules of each layer."""
        return tuple(part for _, part in self.order if isinstance(part, tuple))

    @property
    def shape(self) -> tuple[int, int]:
        """(L, N)."""
        return len(self.layers), len(self.layers[0])

    @property
    def params(self) -> Tree:
        """The parameters that its modules were made with."""
        base = {name: weights(part) for name, part in self.order if not isinstance(part, tuple)}
        layers = {
            str(place): {str(i): tree for i, one in enumerate(modules) if (tree := weights(one))}
            for place, modules in enumerate(self.layers)
        }
        return {"base": {name: tree for name, tree in base.items() if tree}, "layers": layers}

    def forward(self, params: Tree, x: Tensor, gates: Tensor) -> Tensor:
        """``x`` (n, *form) and ``gates`` (n, L, N), zero where a module takes no part, to (n, classes).

        A module runs only on the samples that give it a gate, so a sample costs its gates and no more.
        """
        held, layer = params.get("layers", {}), 0
        for name, part in self.order:
            if isinstance(part, tuple):
                x = _mixed(part, held.get(str(layer), {}), x, gates[:, layer])
                layer += 1
            else:
                x = applied(part, params["base"].get(name, {}), x)
        return x

    def part(self, params: Tree, held: Tensor) -> Tree:
        """Of ``params`` the base and the modules that are ``held`` (L, N)."""
        mine = {
            layer: {module: tree for module, tree in modules.items() if held[int(layer), int(module)]}
            for layer, modules in params["layers"].items()
        }
        return {"base": params["base"], "layers": {layer: tree for layer, tree in mine.items() if tree}}


def decompose(network: nn.Sequential, form: Form, grain: Grain) -> Decomposed:
    """``network`` with its blocks decomposed; a block is a child of it for which ``shrunk`` has a rule. Parts keep the
    network's weights, and modules begin with theirs (``inherit``).

    Works on any sequence of modules, run one after another: children without weights and those without a rule stay as
    they are, and so do the first with weights, which reads the input, where another block follows it, and the last,
    which answers. Raises InputError where nothing is left to decompose, for modules that count (batch norms), and for
    blocks whose forms no residual module can bring together.
    """
    for name, child in parts(network):
        if counted := next((n for n, _ in child.named_buffers()), None):
            raise InputError(
                f"part {name} of the network keeps {counted!r}, a running statistic that no average of devices means "
                "anything for: use GroupNorm instead of BatchNorm"
            )
    chosen = decomposable(network, grain.blocks)
    order: list[tuple[str, nn.Module | tuple[nn.Module, ...]]] = []
    x = torch.zeros(2, *form)
    with torch.no_grad():
        for name, child in parts(network):
            y = child(x)
            order.append((name, _checked(name, x, y, _modules(child, y, grain)) if name in chosen else child))
            x = y
    return Decomposed(tuple(order))


def parts(network: nn.Sequential) -> list[tuple[str, nn.Module]]:
    """Each by its name, as they follow one another; one module may stand in several places."""
    return [(name, child) for name, child in network._modules.items() if child is not None]


def own_weights(network: nn.Sequential) -> None:
    """Raise InputError where two parts have one weight: what becomes of one could not be told from the other."""
    places: dict[int, str] = {}
    for name, child in parts(network):
        for leaf in child.parameters():
            if (other := places.setdefault(id(leaf), name)) != name:
                raise InputError(
                    f"parts {other} and {name} of the network share weights: each needs its own, or what becomes of "
                    "one cannot be told from the other"
                )


def decomposable(network: nn.Sequential, last: int | None = None) -> list[str]:
    """The names of its blocks, of the ``last`` so many. Raises InputError where there is none, or where two
    parts have one weight."""
    own_weights(network)
    weighted = [(name, child) for name, child in parts(network) if any(True for _ in child.parameters())]
    able = [name for name, child in weighted[:-1] if _has_rule(child)]
    if len(able) > 1 and able[0] == weighted[0][0]:
        able = able[1:]
    chosen = able if last is None else able[-last:]
    if not chosen:
        raise InputError(
            f"a network of {[type(child).__name__ for child in network]} has no block before its last layer that "
            "could be decomposed. Blocks are those of its children that are a Sequential of one Linear or Conv2d and "
            "what follows without weights but norms, a ResidualBlock, an EncoderLayer, or of a class with a rule "
            "(mlecs_ray.models.shrink.shrunk.register); the last child with weights stays whole, and so does the first "
            "where another block follows it"
        )
    return chosen


def _has_rule(block: nn.Module) -> bool:
    try:
        made = shrunk(block, 0.5)
    except InputError:
        return False
    except Exception as error:
        # A rule of a user's own may raise anything.
        raise InputError(
            f"the rule for {type(block).__name__} (mlecs_ray.models.shrink.shrunk.register) fails, so it cannot be "
            f"decomposed: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(made, nn.Module):
        raise InputError(
            f"the rule for {type(block).__name__} (mlecs_ray.models.shrink.shrunk.register) gives "
            f"{type(made).__name__} and must give a torch.nn.Module, or there is nothing to run"
        )
    return True


def _modules(block: nn.Module, given: Tensor, grain: Grain) -> tuple[nn.Module, ...]:
    """Shrunk ones, each with its part of the block's weights, and the residual one; the block gives ``given``."""
    made = [shrunk(block, grain.ratio) for _ in range(grain.modules - 1)]
    for place, module in enumerate(made):
        inherit(block, module, place)
    return (*made, Bypass(tuple(given.shape[1:])))


def _checked(name: str, x: Tensor, y: Tensor, modules: tuple[nn.Module, ...]) -> tuple[nn.Module, ...]:
    """``modules``, if each gives what the block ``name`` makes of ``x``, which is ``y``."""
    taken, given = tuple(x.shape[1:]), tuple(y.shape[1:])
    if not bridged(taken, given):
        raise InputError(
            f"part {name} of the network takes {taken} to {given}, so it cannot be decomposed: the residual module in "
            "its place has no weights, and can make a picture another picture and change the first number of any other "
            "form, no more. Let a part without weights of its own flatten, before or after the block"
        )
    try:
        found = tuple(modules[0](x).shape[1:])
    except RuntimeError as error:
        raise InputError(
            f"the shrunk module of part {name} fails on what the block takes, {taken}: mend the rule for "
            f"{type(modules[0]).__name__}, which may narrow nothing but what is inside ({error})"
        ) from error
    if found != given:
        raise InputError(
            f"part {name} of the network takes {taken} to {given} and its shrunk module to {found}, so they cannot be "
            f"mixed: mend the rule for {type(modules[0]).__name__}, which must keep the block's shapes"
        )
    return modules


def weights(module: nn.Module) -> dict[str, Tensor]:
    """Copies of the module's parameters, by name."""
    return {name: leaf.detach().clone() for name, leaf in module.named_parameters()}


def applied(module: nn.Module, params: Tree, x: Tensor) -> Tensor:
    """``module`` with these parameters."""
    y: Tensor = functional_call(module, dict(params), (x,)) if params else module(x)
    return y


def _mixed(modules: Sequence[nn.Module], params: Tree, x: Tensor, gates: Tensor) -> Tensor:
    """``sum_i g_i f_i(x)``: x (n, ...), gates (n, N)."""
    total: Tensor | None = None
    n = len(x)
    for place in torch.nonzero((gates != 0).any(0)).flatten().tolist():
        weight = gates[:, place]
        rows = torch.nonzero(weight).flatten()
        some = len(rows) < n
        y = applied(modules[place], params.get(str(place), {}), x[rows] if some else x)
        y = y * (weight[rows] if some else weight).view(-1, *[1] * (y.dim() - 1))
        if some:
            y = y.new_zeros(n, *y.shape[1:]).index_add(0, rows, y)
        total = y if total is None else total + y
    if total is None:
        raise InputError("no module of a layer has a gate: a device must hold one of each, or nothing passes through")
    return total
