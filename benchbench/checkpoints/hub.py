"""Set huggingface_hub to offline mode if the hub is unreachable, to avoid its long retries."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_SECONDS = 5.0


@contextmanager
def offline_if_unreachable() -> Iterator[None]:
    """Set huggingface_hub to offline mode for this block where the hub does not answer.

    huggingface_hub retries six times, for each of several file names, before it reports that the
    network is missing. One request beforehand saves that time; HF_HUB_OFFLINE saves the request.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or _is_reachable(constants.ENDPOINT):
        yield
        return
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = False


def _is_reachable(endpoint: str) -> bool:
    try:
        request = urllib.request.Request(endpoint, method="HEAD")  # noqa: S310 - hub's own setting
        urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return True


def is_unreachable(error: BaseException | None) -> bool:
    """Return whether an error, or one of its causes, is that the hub is offline or unreachable."""
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    unreachable = (LocalEntryNotFoundError, OfflineModeIsEnabled, urllib.error.URLError)
    while error is not None:
        if isinstance(error, unreachable):
            return True
        error = error.__cause__ or error.__context__
    return False
