"""A continuous batcher: answers of different adapters and soft prompts, one token each a step; they join and leave
between steps.

One step runs every answer under way as one batch of the frozen backbone; what differs from row to row are the small
matrices of the adapters, ``x W^T + s x A_i^T B_i^T`` with A_i and B_i of row i. A newcomer's prompt is read in chunks
between steps, so that a long one does not hold up the others.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from mlecs_ray.errors import InputError
from mlecs_ray.models.lora import Backbone
from mlecs_ray.serving.runner import Runner, TorchRunner
from mlecs_ray.serving.sampling import Sampling, choose
from mlecs_ray.serving.speech import Speech
from mlecs_ray.tree import Tree

CHUNK = 128
"""Tokens of a prompt that are read at once."""


@dataclass(frozen=True)
class Piece:
    """What an answer has grown by."""

    text: str = ""
    tokens: int = 0
    logprob: float = 0.0
    """Sum over these tokens."""
    finish: str | None = None
    """``stop`` or ``length`` with the last piece; ``error`` where the engine failed."""


Sink = Callable[[Piece], None]


@dataclass(eq=False)
class Answer:
    """One request on its way. ``adapters`` are those of one version and are never changed."""

    adapters: Tree
    prompt: Tensor
    """(t, hidden), embedded."""
    sampling: Sampling
    sink: Sink
    speech: Speech
    draw: Generator
    read: int = 0
    """Tokens of the prompt that the model has read."""
    said: int = 0
    last: int = 0
    """The token said last."""
    cancelled: bool = False


@dataclass(eq=False)
class Batcher:
    """Steps over up to ``rows`` answers on one backbone. ``step`` belongs to one thread; ``submit`` to any."""

    lm: Backbone
    rows: int = 8
    context: int = 1024
    """Most tokens of a prompt and its answer together."""
    runner: Runner | None = None
    """What runs the rows; None: PyTorch."""
    _waiting: deque[Answer] = field(default_factory=deque)
    _running: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._runner: Runner = self.runner or TorchRunner(self.lm, self.rows, self.context)

    @property
    def load(self) -> int:
        """Answers under way or waiting."""
        return len(self._waiting) + len(self._running)

    @property
    def cache_bytes(self) -> int:
        """What keys and values take."""
        return self._runner.cache_bytes

    def submit(self, adapters: Tree, prompt: Tensor, sampling: Sampling, sink: Sink) -> Answer:
        """Begin an answer; ``sink`` is called from the stepping thread. Raises InputError where it cannot fit."""
        room = self.context - len(prompt)
        if len(prompt) == 0 or room < 1:
            raise InputError(f"a prompt of {len(prompt)} tokens leaves no room in a context of {self.context}")
        speech = Speech(self.lm.tokenizer, sampling.stop, sampling.line)
        answer = Answer(adapters, prompt, sampling, sink, speech, sampling.generator())
        self._waiting.append(answer)
        return answer

    @torch.no_grad()
    def step(self) -> bool:
        """Say one token of every answer, and read on in the prompts of newcomers; False where there is nothing to do.

        Rows stand in the order in which they joined and newcomers read in that order, so those that talk come first.
        """
        self._drop()
        while self._waiting and len(self._running) < self.rows:
            self._runner.join()
            self._running.append(self._waiting.popleft())
        talking = sum(one.read == len(one.prompt) for one in self._running)
        if talking:
            self._talk(range(talking))
        if talking < len(self._running):
            self._read(talking)
        self._leave()
        return bool(self._running or self._waiting)

    def _drop(self) -> None:
        # A copy, made in one step: others may submit meanwhile.
        for answer in list(self._waiting):
            if answer.cancelled:
                self._waiting.remove(answer)
        self._leave()

    def _read(self, first: int) -> None:
        """A chunk of the first prompt that is not read, and of as many behind it as fit beside it."""
        tokens = self._portions([len(one.prompt) - one.read for one in self._running[first:]])
        readers = self._running[first : first + len(tokens)]
        chunks = [one.prompt[one.read : one.read + count] for one, count in zip(readers, tokens, strict=True)]
        rows = range(first, first + len(tokens))
        embeds = pad_sequence(chunks, batch_first=True)
        logits = self._runner.run(rows, [one.adapters for one in readers], embeds, tokens)
        for one, count in zip(readers, tokens, strict=True):
            one.read += count
        done = [i for i, one in enumerate(readers) if one.read == len(one.prompt)]
        if done:
            self._say([readers[i] for i in done], logits[done])

    @staticmethod
    def _portions(left: Sequence[int]) -> list[int]:
        """How many tokens are read of each prompt: only the last may stay unread in part, and all are filled up to the
        longest, so that is what counts."""
        tokens = [min(left[0], CHUNK)]
        for count in left[1:]:
            if tokens[-1] < left[len(tokens) - 1] or max(*tokens, count) * (len(tokens) + 1) > CHUNK:
                break
            tokens.append(count)
        return tokens

    def _talk(self, rows: range) -> None:
        answers = [self._running[row] for row in rows]
        embeds = self.lm.embed(torch.tensor([[answer.last] for answer in answers], device=self.lm.device))
        self._say(answers, self._runner.run(rows, [answer.adapters for answer in answers], embeds, [1] * len(rows)))

    def _say(self, answers: Sequence[Answer], logits: Tensor) -> None:
        """One token more of each, from logits (n, vocabulary)."""
        drawn = [(answer.sampling, answer.draw) for answer in answers]
        for answer, (token, logprob) in zip(answers, choose(logits, drawn), strict=True):
            self._grow(answer, token, logprob)

    def _grow(self, answer: Answer, token: int, logprob: float) -> None:
        answer.said, answer.last = answer.said + 1, token
        ended = token == self.lm.tokenizer.eos_token_id
        text = answer.speech.end() if ended else answer.speech.say(token)
        full = answer.said >= min(answer.sampling.max_tokens, self.context - len(answer.prompt))
        finish = "stop" if ended or answer.speech.stopped else "length" if full else None
        if finish == "length":
            text += answer.speech.end()
        answer.cancelled = answer.cancelled or finish is not None
        answer.sink(Piece(text, 1, logprob, finish))

    def _leave(self) -> None:
        for row in reversed(range(len(self._running))):
            if self._running[row].cancelled:
                self._runner.leave(row)
                self._running.pop(row)

    def fail(self) -> None:
        """Tell everyone that there will be no answer, and forget them: whatever stands in the cache may be half."""
        failed, self._running = self._running, []
        self._runner.reset()
        # One by one: who submits meanwhile is either told or stays.
        while self._waiting:
            failed.append(self._waiting.popleft())
        for answer in failed:
            answer.sink(Piece(finish="error"))
