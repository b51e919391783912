"""A large array by rows: in memory where it is small, else in a temporary file without a name."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Bytes up to which an array stays in memory.
IN_MEMORY = 64 * 1024**2


class Rows:
    """N rows that are written one by one, and read as one array after the last.

    Args:
        count: N.
        shape: Of a row.
        dtype: Of its elements.
        missing: What the elements of a row are that was never written.
        folder: Where the file lies; None is the system's folder for temporary files.
        most: Bytes up to which the array stays in memory.
    """

    def __init__(
        self,
        count: int,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        *,
        missing: float = 0,
        folder: Path | None = None,
        most: int = IN_MEMORY,
    ) -> None:
        self._shape, self._missing = (count, *shape), missing
        self._empty = np.full(shape, missing, dtype)            # a row that was never written
        self._written: NDArray[np.bool_] | None = None
        self._array: NDArray[Any] | None = None
        if count * self._empty.nbytes <= most:
            self._array = np.full(self._shape, missing, dtype)
        else:
            self._written = np.zeros(count, bool)
            self._file = tempfile.TemporaryFile(dir=folder, prefix="auditor-")  # noqa: SIM115  # as long as it
            self._file.truncate(count * self._empty.nbytes)

    def put(self, row: int, values: NDArray[Any]) -> None:
        """Writes a row; raises OSError where the disk is full, ValueError for values of another shape."""
        if self._written is None:
            assert self._array is not None
            self._array[row] = values
            return
        if values.shape != self._empty.shape:
            raise ValueError(f"received a row of shape {values.shape}; expected {self._empty.shape}")
        self._seek(row)
        self._file.write(np.ascontiguousarray(values, self._empty.dtype).data)
        self._written[row] = True

    @property
    def array(self) -> NDArray[Any]:
        """All rows (N, ...), not to be written to. To be asked for only after the last `put`."""
        if self._array is None:
            assert self._written is not None
            for row in np.flatnonzero(~self._written) if self._missing else ():
                self._seek(int(row))
                self._file.write(self._empty.data)
            self._file.flush()
            mapped = np.memmap(self._file, self._empty.dtype, "r", shape=self._shape)
            self._array = mapped.view(np.ndarray)               # numpy's functions copy the subclass around
        view = self._array.view()
        view.flags.writeable = False
        return view

    def _seek(self, row: int) -> None:
        place = row * self._empty.nbytes
        if self._file.tell() != place:          # rows come nearly in order, and seeking empties the buffer
            self._file.seek(place)
