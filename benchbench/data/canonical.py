"""JSON content in one form, so that equal content has equal bytes and one digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(content: Any) -> bytes:
    """Return JSON bytes with sorted keys, no white space between tokens, and a final line feed."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def records_digest(content: Any) -> str:
    """Return the SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical_json(content)).hexdigest()
