"""Run the forward and backward pass of each step, or record one as a CUDA graph and replay it.

A small model's step is hundreds of kernels of a few microseconds: launching them takes longer than
running them. Where the columns of a pack lie on the device, every step reads the same memory (only
the numbers of its examples change) and the host never waits for the device: the step is recorded
and replayed. Where the operations of a step change with its number (``PhasedModel``), it is
recorded anew. A step in which the host must read a value from the device runs unrecorded, and the
log says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import torch

from benchbench.training.pack_batches import ResidentBatches
from benchbench.variants.variant import PhasedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from benchbench.training.batches import BatchBuilder
    from benchbench.training.pack_batches import PackedBatches
    from benchbench.variants.variant import Batch, Loss

    Parts = dict[str, Tensor]

WARM_UP_STEPS = 3
"""Steps that run before one is recorded."""


class Passes(Protocol):
    """The forward and backward pass of a step."""

    note: str
    """How steps are computed, for the log; "" while that is not known."""

    def shown(self, first: int, stop: int, workers: int) -> Iterator[Any]:
        """Return the inputs of these steps."""
        ...

    def __call__(self, shown: Any, step: int) -> Parts:
        """Compute the loss and its gradients; return the loss's parts, on the device."""
        ...


class DirectPasses:
    """Passes that are computed step by step."""

    def __init__(
        self, model: Any, feed: BatchBuilder | PackedBatches, device: str, precision: str
    ) -> None:
        """Take a model and its batches."""
        self.model, self.feed = model, feed
        self.device, self.precision = device, precision
        self.note = ""

    def shown(self, first: int, stop: int, workers: int) -> Iterator[Batch]:
        """Return the batches of these steps."""
        return self.feed.batches(first, stop, workers)

    def __call__(self, shown: Batch, step: Any) -> Parts:
        """Compute the loss and its gradients; return the loss's parts."""
        with arithmetic(self.device, self.precision):
            loss: Loss = self.model(shown, step)
        for parameter in self.model.parameters():
            parameter.grad = None
        loss.total.backward()  # type: ignore[no-untyped-call]
        return loss.parts


class RecordedPasses:
    """Passes over columns on the device, recorded after a few steps and replayed."""

    def __init__(
        self,
        model: Any,
        feed: ResidentBatches,
        device: str,
        precision: str,
        recorder: Recorder | None = None,
    ) -> None:
        """Take a model and its columns.

        Args:
            model: the variant.
            feed: its columns.
            device: where both are.
            precision: the precision of the arithmetic.
            recorder: what records; by default CUDA graphs do.
        """
        self.feed = feed
        self.plain = DirectPasses(model, feed, device, precision)
        self.recorder: Recorder = CudaRecorder() if recorder is None else recorder
        self.note, self._warmed, self._phase = "", 0, 0
        self._phased = model if isinstance(model, PhasedModel) else None
        self._rows: Tensor = torch.zeros(feed.size, dtype=torch.int64, device=device)
        self._step: Tensor = torch.zeros((), dtype=torch.int64, device=device)
        self._replay: Callable[[], None] | None = None
        self._parts: Parts = {}

    def shown(self, first: int, stop: int, workers: int) -> Iterator[Tensor]:
        """Return the numbers of the examples of these steps, [size] each."""
        return self.feed.rows(first, stop)

    def __call__(self, shown: Tensor, step: int) -> Parts:
        """Compute the loss and its gradients; return the loss's parts."""
        self._enter_phase(step)
        if self.note and self._replay is None:
            return self.plain(self.feed.gathered(shown), step)
        self._rows.copy_(shown)
        self._step.fill_(step)
        if self._replay is None:
            return self._warm(step)
        self._replay()
        if self._phased is not None:
            self._phased.check_step(step)
        return self._parts

    def _enter_phase(self, step: int) -> None:
        """Forget the recorded step where the model's steps change with this one."""
        phase = 0 if self._phased is None else self._phased.begin_phase(step)
        if phase != self._phase:
            self._phase, self._replay, self._warmed, self.note = phase, None, 0, ""

    def _warm(self, step: int) -> Parts:
        """Compute a step while any wait is an error; after some such steps, record the next."""
        try:
            if self._warmed == WARM_UP_STEPS:
                self._replay = self.recorder.record(self._compute)
                self.note = "steps are replayed from a recorded graph"
                self._replay()
            else:
                self._warmed += 1
                self.recorder.rehearse(self._compute, strictly=self._warmed > 1)
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            self._replay = None
            reason = (str(error) or type(error).__name__).splitlines()[0]
            self.note = f"steps are not recorded, and computed one by one ({reason})"
            return self.plain(self.feed.gathered(self._rows), step)
        if self._phased is not None:
            self._phased.check_step(step)
        return self._parts

    def _compute(self) -> None:
        self._parts = self.plain(self.feed.gathered(self._rows), self._step)


class Recorder(Protocol):
    """A recorder of a device's work, for replay."""

    def rehearse(self, work: Callable[[], None], strictly: bool) -> None:
        """Run the work under the conditions of a recording.

        Args:
            work: the work.
            strictly: whether to raise a RuntimeError where it would wait for the device.
        """
        ...

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record the work without running it; return a call that runs it."""
        ...


class CudaRecorder:
    """A recorder by CUDA graphs (torch.cuda.CUDAGraph)."""

    def rehearse(self, work: Callable[[], None], strictly: bool) -> None:
        """Run the work on a stream of its own; if ``strictly``, any wait is an error."""
        stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        here = torch.cuda.current_stream()
        stream.wait_stream(here)
        before = torch.cuda.get_sync_debug_mode()
        try:
            if strictly:
                torch.cuda.set_sync_debug_mode("error")
            with torch.cuda.stream(stream):
                work()
        finally:
            torch.cuda.set_sync_debug_mode(before)
            here.wait_stream(stream)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record the work; a failure leaves the device usable."""
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            work()
        replay: Callable[[], None] = graph.replay
        return replay


def passes_of(
    model: Any, feed: BatchBuilder | PackedBatches, device: str, precision: str, alone: bool
) -> Passes:
    """Return recorded passes where steps can be recorded, otherwise direct ones.

    Args:
        model: the model in training.
        feed: its batches.
        device: the device of the model.
        precision: the precision of the arithmetic.
        alone: whether no other process trains the same model.
    """
    if alone and isinstance(feed, ResidentBatches) and device.startswith("cuda"):
        return RecordedPasses(model, feed, device, precision)
    return DirectPasses(model, feed, device, precision)


def arithmetic(device: str, precision: str) -> Any:
    """Return the context in which losses are computed."""
    kind = device.partition(":")[0]
    return torch.autocast(kind, torch.bfloat16, enabled=precision == "bf16")
