"""Checkpoints of a training: safetensors, never pickles, whole or absent."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nephele.learning.training import Learner, Progress

HISTORY = "history"


def save(path: Path, learner: Learner, fingerprint: str) -> None:
    """Write all that training changes.

    `fingerprint` says what is trained, on what and how: only the same training may go on
    from here.

    Raises:
        OSError: it cannot be written; what was at `path` stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    metadata = {"fingerprint": fingerprint}
    tensors = {k: t.detach().contiguous() for k, t in _tensors(learner).items()}
    try:
        save_file(tensors, partial, metadata)
        partial.replace(path)
    except (SafetensorError, OSError) as error:
        partial.unlink(missing_ok=True)
        kept = "that of an earlier step stays there" if path.exists() else "there is none yet"
        raise OSError(
            f"{path}: the checkpoint of step {learner.step} could not be written ({error}); "
            f"{kept}. Make room, and run the same again"
        ) from None


def load(path: Path, learner: Learner, fingerprint: str) -> None:
    """Put `learner` back to where it was when `path` was written.

    Raises:
        ValueError: the file is damaged, or is of another training.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{path}: not a whole checkpoint ({error}); delete it to train from the start"
        ) from None
    if metadata.get("fingerprint") != fingerprint:
        raise ValueError(
            f"{path}: a checkpoint of another training (fingerprint "
            f"{metadata.get('fingerprint')}, expected {fingerprint}); delete it, or name "
            "another folder"
        )
    try:
        _restore(learner, tensors)
        history = json.loads(tensors[HISTORY].numpy().tobytes())
    except (KeyError, RuntimeError) as error:
        raise ValueError(
            f"{path}: not a checkpoint of this network ({error}); delete it to train from the start"
        ) from None
    learner.history[:] = [Progress(**values) for values in history]


def _tensors(learner: Learner) -> dict[str, Tensor]:
    named = {f"network.{k}": v for k, v in learner.network.state_dict().items()}
    named |= {f"averaged.{k}": v for k, v in learner.averaged.state_dict().items()}
    for position, moments in learner.optimiser.state_dict()["state"].items():
        named |= {f"optimiser.{position}.{k}": v for k, v in moments.items()}
    # As bytes: the header of the file, where texts go, is bounded.
    history = json.dumps([asdict(progress) for progress in learner.history])
    return named | {HISTORY: torch.frombuffer(bytearray(history.encode()), dtype=torch.uint8)}


def _restore(learner: Learner, tensors: dict[str, Tensor]) -> None:
    learner.network.load_state_dict(_under("network.", tensors))
    learner.averaged.load_state_dict(_under("averaged.", tensors))
    parameters = list(learner.network.parameters())
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimiser.", tensors).items():
        position, moment = name.split(".")
        like = parameters[int(position)]
        if tensor.shape == like.shape:
            # The fused optimiser walks weights and moments side by side in memory.
            tensor = torch.empty_like(like).copy_(tensor)
        state.setdefault(int(position), {})[moment] = tensor
    whole = learner.optimiser.state_dict()
    learner.optimiser.load_state_dict({**whole, "state": state})


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
