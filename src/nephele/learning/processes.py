"""One training in several processes, each with its part of every batch.

`torchrun` starts them; alone, a process has the whole batch and every function here gives back what
it was given. What the loss takes from the whole batch (a balance, a spread, an average) is agreed
on before it is used, so that the processes walk as one would, but for rounding.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn


@contextmanager
def joined() -> Iterator[None]:
    """Within this, the processes that `torchrun` started know of each other."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def count() -> int:
    """How many there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Which of them this one is; 0 is the first, which writes and tells."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def leave_to_first() -> None:
    """Go on in the first process alone: there is to be one result.

    Raises:
        SystemExit: with status 0, in all others.
    """
    if rank():
        raise SystemExit(0)


def part(whole: int, accumulate: int = 1) -> slice:
    """This process's part of the `whole` samples of a batch.

    Args:
        accumulate: parts of that part, one after another.

    Raises:
        ValueError: the parts cannot be of one size.
    """
    if whole % (count() * accumulate):
        raise ValueError(
            f"batch_size = {whole} in {count()} processes with accumulate = {accumulate}, expected "
            f"a multiple of {count() * accumulate}"
        )
    each = whole // count()
    return slice(rank() * each, (rank() + 1) * each)


def mean(values: Tensor) -> Tensor:
    """The mean over all processes, without gradient."""
    values = values.detach()
    if count() == 1:
        return values
    values = values.clone()
    distributed.all_reduce(values)
    return values / count()


def means(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The mean over all processes of each; sent as one."""
    listed = list(tensors)
    if count() == 1 or not listed:
        return listed
    flat = mean(torch.cat([tensor.flatten() for tensor in listed]))
    parts = flat.split([tensor.numel() for tensor in listed])
    return [values.view_as(tensor) for values, tensor in zip(parts, listed, strict=True)]


def gathered(rows: Tensor) -> Tensor:
    """The rows of all processes, in their order, without gradient."""
    rows = rows.detach().contiguous()
    if count() == 1:
        return rows
    parts = [torch.empty_like(rows) for _ in range(count())]
    distributed.all_gather(parts, rows)
    return torch.cat(parts)


def share(module: nn.Module) -> None:
    """Give every process the first one's weights and buffers."""
    if count() > 1:
        for values in module.state_dict().values():
            distributed.broadcast(values, 0)


def average_gradients(module: nn.Module) -> None:
    """Give every process the mean of all processes' gradients."""
    if count() > 1:
        gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
        for gradient, averaged in zip(gradients, means(gradients), strict=True):
            # Laid out as it was: the fused optimiser walks weights and gradients side by side.
            gradient.copy_(averaged)


def any_of_them(said: bool) -> bool:
    """Whether any process says so."""
    return float(mean(torch.tensor(float(said), device=_device()))) > 0


def agree(number: int) -> bool:
    """Whether all processes have this number."""
    return not any_of_them(float(mean(torch.tensor(float(number), device=_device()))) != number)


def _device() -> str:
    """Where the processes can send from."""
    on_gpu = distributed.is_initialized() and distributed.get_backend() == "nccl"
    return "cuda" if on_gpu else "cpu"
