"""The fixtures that tests of checkpoints have, too."""

from tests.checkpoints.conftest import model

__all__ = ["model"]
