"""``benchbench scenes``: draw a sheet of examples, or export the drawn world as files."""

from __future__ import annotations

import shlex

import click

from benchbench.cli import options
from benchbench.cli.output import say

MAX_IMAGES = 1_000_000


@click.group("scenes")
def scenes_group() -> None:
    """Show or export the drawn world: images with exact scene graphs."""


@scenes_group.command("gallery")
@click.option("--out", default="gallery.png", show_default=True, help="The sheet's PNG file.")
@click.option("--split", default="test", show_default=True, help="train, val, test; or …-dense.")
@click.option("--count", type=click.IntRange(1, 400), default=28, show_default=True)
@click.option("--columns", type=click.IntRange(1, 20), default=7, show_default=True)
@click.option("--start", type=click.IntRange(0, 2**31), default=0, show_default=True)
@click.option("--size", type=click.IntRange(32, 448), default=224, show_default=True)
def gallery_command(out: str, split: str, count: int, columns: int, start: int, size: int) -> None:
    """Draw a contact sheet: images with their scenario and a caption."""

    from benchbench.errors import UsageError
    from benchbench.files import expand_path
    from benchbench.scenes.gallery import write_gallery

    path = expand_path(out)
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        raise UsageError(f"The sheet should be a .png file in a folder that is there, not {out}.")
    write_gallery(path, split, count, size=size, columns=columns, start=start)
    say(path)


READ_BY = {
    "karpathy": "coco-retrieval",
    "vg150": "vg-relation-detection",
    "scenarioclip": "scenario-retrieval",
}
"""Part → a task that reads it, where the part is not named after one."""


@scenes_group.command("export")
@click.option("--out", required=True, metavar="DIR", help="A new folder, or an edition of ours.")
@click.option(
    "--part",
    "parts",
    multiple=True,
    help="vg-relation, vg-attribution, karpathy, vg150, scenarioclip, sugarcrepe, "
    "winoground.  [all]",
)
@click.option(
    "--images",
    type=click.IntRange(2, MAX_IMAGES),
    help="Test images, an even number. With another than the standard one, ARO's items are those "
    "that these images hold, not as many of each relation and pair.  [1000]",
)
@click.option("--dense", type=click.IntRange(1, MAX_IMAGES), help="Dense test images.  [250]")
@click.option("--size", type=options.COUNT, help="Pixels along each side, 96 to 672.  [224]")
def export_command(out: str, parts: tuple[str, ...], **counts: int | None) -> None:
    """Write a test edition of the drawn world in the official formats."""
    from pathlib import Path

    from benchbench.cli.progress import ProgressBar
    from benchbench.errors import UsageError
    from benchbench.files import expand_path, resolve_path
    from benchbench.scenes.edition import ALL_PARTS, export

    if not out.strip() or resolve_path(expand_path(out)) == Path.cwd():
        raise UsageError(
            f"The edition takes the place of its folder: name another than '{out}', where you are."
        )
    bar = ProgressBar()
    chosen = {name: count for name, count in counts.items() if count is not None}
    try:
        root = export(Path(out), parts=parts or ALL_PARTS, progress=bar, **chosen)
    finally:
        bar.close()
    say(root)
    first = (parts or ALL_PARTS)[0]
    task = READ_BY.get(first, first)
    say(
        f"next  benchbench eval --model blind:chance --task {task} "
        f"--data-root {shlex.quote(str(root))}"
    )
