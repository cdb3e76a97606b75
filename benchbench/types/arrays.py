"""Array types for annotations, one per type of element."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
"""Results and statistics."""
Singles = npt.NDArray[np.float32]
"""Embeddings and models' scores."""
Ints = npt.NDArray[np.int64]
"""Numbers and counts, of one size on every platform."""
Indices = npt.NDArray[np.intp]
"""Positions in other arrays, as numpy returns them."""
Flags = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]
