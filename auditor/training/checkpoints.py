"""The state from which a killed run continues: weights, optimizer, random states and history after an epoch.

`state.npz` is replaced atomically and names the file of the best weights, so that the two match whenever the run is
killed. The arrays are Keras' own, on any of its backends.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.evaluation.training_history import TrainingHistory

STATE = "state.npz"
Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class Best:
    """The best weights so far, and their validation loss."""

    loss: float
    weights: Arrays


class Checkpoints:
    """The folder of one phase's checkpoints.

    Args:
        folder: Created when the first checkpoint is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, model: Any, history: TrainingHistory, best: Best, *, best_is_new: bool) -> None:
        """Writes the state after an epoch.

        Args:
            model: Compiled, with a built optimizer.
            history: Of all epochs so far.
            best: The best weights so far.
            best_is_new: Whether they come from this epoch, so that their file must be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        before = self._best_file()
        epochs = sum(len(phase.epochs) for phase in history.phases)
        name = f"best-{epochs:05d}.npz" if best_is_new or before is None else before
        if name != before:
            write_arrays(self._folder / name, numbered("weights", best.weights))
        about = {"curves": history.to_json(), "best": name, "best_loss": best.loss}
        states = [np.asarray(_numpy(variable)) for variable in _variables(model)]
        write_arrays(
            self._folder / STATE, {"about": np.array(json.dumps(about)), **numbered("variable", states)}
        )
        if before is not None and before != name:
            (self._folder / before).unlink(missing_ok=True)

    def restore(self, model: Any) -> tuple[TrainingHistory, Best] | None:
        """Restores the model from the last checkpoint; None if there is none.

        Raises:
            InputError: the checkpoint cannot be read, or is of another network.
        """
        path = self._folder / STATE
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as archive:
                about = json.loads(str(archive["about"]))
                states = unnumbered("variable", archive)
            with np.load(self._folder / Path(about["best"]).name, allow_pickle=False) as archive:
                best = Best(float(about["best_loss"]), unnumbered("weights", archive))
            variables = _variables(model)
            if [state.shape for state in states] != [tuple(variable.shape) for variable in variables]:
                raise ValueError("it holds other variables than this network has")
            for variable, state in zip(variables, states, strict=True):
                variable.assign(state)
            return TrainingHistory.from_json(about["curves"]), best
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise InputError(
                f"the checkpoint {path} cannot be continued ({error}). Start the run again with --overwrite."
            ) from None

    def _best_file(self) -> str | None:
        try:
            with np.load(self._folder / STATE, allow_pickle=False) as archive:
                return str(json.loads(str(archive["about"]))["best"])
        except FileNotFoundError:
            return None


def write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Writes an .npz atomically: complete or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            np.savez(file, **arrays)                            # type: ignore[arg-type]  # numpy takes any name
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def numbered(name: str, arrays: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Arrays under names that keep their order."""
    return {f"{name}_{place:05d}": array for place, array in enumerate(arrays)}


def unnumbered(name: str, archive: Any) -> Arrays:
    """The arrays of `numbered`, in their order."""
    return [archive[key] for key in sorted(archive.files) if key.startswith(f"{name}_")]


def _variables(model: Any) -> list[Any]:
    """Everything that an epoch changes: weights, random states of the dropout, the optimizer's state."""
    seeds = [layer.seed_generator.state for layer in model.layers if getattr(layer, "seed_generator", None)]
    return [*model.weights, *seeds, *model.optimizer.variables]


def _numpy(variable: Any) -> Any:
    import keras

    return keras.ops.convert_to_numpy(variable)
