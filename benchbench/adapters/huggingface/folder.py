"""Find the folder of a checkpoint in transformers' format, or download it from the hub.

Models are always loaded from a local folder; the hub is used only to download the files of one
commit. Pickled weights and code in a checkpoint are found here, before transformers opens it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.containers import check_folder
from benchbench.checkpoints.hub import is_unreachable, offline_if_unreachable
from benchbench.errors import ModelError, UsageError, WeightsUnavailable
from benchbench.failures import first_line
from benchbench.files import expand_path, parse_json, read_text, resolve_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchbench.types import LoadOptions

CONFIG = "config.json"
ADAPTER = "adapter_config.json"
SAFE = ("model.safetensors", "model.safetensors.index.json")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
SAFE_FILES = ("model.safetensors", "model-*-of-*.safetensors", "adapter_model.safetensors")
PICKLED_FILES = ("pytorch_model.bin", "pytorch_model-*-of-*.bin", "adapter_model.bin")
TEXTS = ("*.json", "*.txt", "*.model", "*.jinja")
"""Configurations, vocabularies and chat templates."""

MAX_NAMES = 8
"""Maximum number of files listed in an error."""

VOCABULARIES = (
    "*tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
)
USAGE_HINT = "Type {0}:ORG/REPO, {0}:ORG/REPO@REVISION, or the path of a folder: {0}:./folder."


@dataclass(frozen=True, slots=True)
class Folder:
    """A checkpoint's folder, and its source."""

    path: Path
    source: str
    """``ORG/REPO@COMMIT``, or the name of a local folder."""

    def __str__(self) -> str:
        return self.source

    @property
    def is_adapter(self) -> bool:
        """Whether it is an adapter to another checkpoint (PEFT)."""
        return (self.path / ADAPTER).is_file()

    def json(self, name: str) -> dict[str, Any]:
        """Read a JSON file.

        Raises:
            ModelError: the file is missing, or is not a JSON object.
        """
        try:
            record = parse_json(read_text(self.path / name))
        except FileNotFoundError as error:
            raise ModelError(
                f"{self} has no {name}, so it is not a transformers checkpoint. There is: "
                f"{self.contents()}."
            ) from error
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{self}: {name} cannot be read: {error}. Download or copy it again."
            ) from error
        if not isinstance(record, dict):
            raise ModelError(f"{self}: {name} is not a JSON object. Download or copy it again.")
        return record

    def contents(self) -> str:
        """Return the first file names in the folder, for error messages."""
        names = sorted(p.name for p in self.path.iterdir() if not p.name.startswith("."))
        more = f", and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
        return ", ".join(names[:MAX_NAMES]) + more or "nothing"

    def sha256(self, *patterns: str) -> str:
        """Return one SHA-256 of the names and bytes of all matching files, sorted by name."""
        digest = hashlib.sha256()
        for path in sorted({p for pattern in patterns for p in self.path.glob(pattern)}):
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)}\n".encode() + content)
        return digest.hexdigest()


def folder_of(text: str, options: LoadOptions, family: str = "hf") -> Folder:
    """Return a local folder, or download a hub repository into the cache and return its folder.

    Raises:
        UsageError: the text is neither a folder nor ``ORG/REPO`` or ``ORG/REPO@REVISION``.
        WeightsUnavailable: the repository is not cached and cannot be downloaded.
    """
    type_it = USAGE_HINT.format(family)
    if not text:
        raise UsageError(f"{family}: names no checkpoint. {type_it}")
    path = expand_path(text)
    if text.startswith((".", "/", "~")) or path.is_dir():
        if not path.is_dir():
            what = "a file, not a folder" if path.is_file() else "a folder that does not exist"
            raise UsageError(f"{family}:{text} is {what}. {type_it}")
        check_folder(path)
        return Folder(resolve_path(path), resolve_path(path).name)
    name, at, revision = text.partition("@")
    if name.count("/") != 1 or not all(name.split("/")) or (at and not revision):
        raise UsageError(f"{family}:{text} names neither a repository nor a folder. {type_it}")
    return _download(name, revision or None, options)


def _download(name: str, revision: str | None, options: LoadOptions) -> Folder:
    """Download the files of one commit: safetensors, or pickled tensors where there are none."""
    code = ("*.py",) if options.trust_remote_code else ()
    path = _snapshot(name, revision, (*TEXTS, *SAFE_FILES, *code))
    if not _any(path, SAFE_FILES):
        path = _snapshot(name, path.name, PICKLED_FILES)
    return Folder(path, f"{name}@{path.name}")


def _snapshot(name: str, revision: str | None, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import constants, snapshot_download

    try:
        with offline_if_unreachable():
            found = snapshot_download(
                name,
                revision=revision,
                allow_patterns=list(patterns),
                ignore_patterns=["*/*"],
                local_files_only=constants.HF_HUB_OFFLINE,  # some releases need this, too
            )
    except (OSError, ValueError, RuntimeError) as error:
        what = f"{name} at '{revision}'" if revision else name
        if is_unreachable(error):
            raise WeightsUnavailable(
                f"Cannot load {what}: not in the cache, and the hub cannot be reached from here "
                "(or HF_HUB_OFFLINE is set). Download it once where there is a network, and copy "
                "the folder that HF_HOME names; or type the path of a folder with its files."
            ) from error
        raise WeightsUnavailable(f"Cannot load {what}: {first_line(error)}.") from error
    return Path(found)


def _any(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(True for pattern in patterns for _ in path.glob(pattern))


def has_safetensors(folder: Folder) -> bool:
    """Return whether the weights are safetensors; otherwise they are pickled.

    Raises:
        WeightsUnavailable: the folder has neither.
    """
    if any((folder.path / name).is_file() for name in SAFE):
        return True
    if any((folder.path / name).is_file() for name in PICKLED):
        return False
    raise WeightsUnavailable(
        f"{folder} holds no weights that transformers reads. It holds: {folder.contents()}. Add "
        f"{SAFE[0]}, {PICKLED[0]}, or shards with an index."
    )


def pickle_files(folder: Folder) -> list[Path]:
    """Return the pickled weight files of a checkpoint that has no safetensors."""
    whole, index = (folder.path / name for name in PICKLED)
    if whole.is_file():
        return [whole]
    return [
        folder.path / name for name in sorted(set(folder.json(index.name)["weight_map"].values()))
    ]


def refuse_code(folder: Folder, options: LoadOptions) -> None:
    """Refuse a checkpoint that brings its own code, unless ``options`` trust it.

    Raises:
        ModelError: a JSON file refers to code (``auto_map``).
    """
    if options.trust_remote_code:
        return
    for path in sorted(folder.path.glob("*.json")):
        if code := sorted(_code_of(folder, path)):
            raise ModelError(
                f"{folder} has code of its own ({path.name} names {', '.join(code)}), which is not "
                "run. If you trust it, add --trust-remote-code."
            )


def _code_of(folder: Folder, path: Path) -> set[str]:
    """Return the names in ``auto_map`` of a JSON file; empty if it is not a JSON object."""
    try:
        return set(_mapped(folder.json(path.name)))
    except ModelError:
        return set()


def _mapped(record: Mapping[str, Any]) -> Iterator[str]:
    for key, value in record.items():
        if key == "auto_map" and isinstance(value, dict):
            for named in value.values():
                yield from (str(n) for n in (named if isinstance(named, list) else [named]) if n)
        elif isinstance(value, dict):
            yield from _mapped(value)
