"""Published files, without a minute of retries where there is no network."""

from __future__ import annotations

import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 5.0


@contextmanager
def hub_if_reachable() -> Iterator[None]:
    """Look into the hub's cache alone where the hub does not answer.

    huggingface_hub tries again six times, for each of several file names, before it says that
    there is no network. One question beforehand spares the wait; HF_HUB_OFFLINE spares that too.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or _answers(constants.ENDPOINT):
        yield
        return
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = False


def _answers(endpoint: str) -> bool:
    try:
        request = urllib.request.Request(endpoint, method="HEAD")  # noqa: S310 - hub's own setting
        urllib.request.urlopen(request, timeout=SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True
