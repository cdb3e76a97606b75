"""Hooks of the documentation site: pages from outside ``docs/``, notebooks, commands, links.

Links in the repository are relative to the file they stand in, so that they work on GitHub. Here
they are rewritten to where the site has the same file: ``docs/x.md`` is the site's ``x.md``, every
other file keeps its path.
"""

from __future__ import annotations

import html
import inspect
import json
import os
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchbench.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

TOP = Path(__file__).parent.parent
OUTSIDE = (
    "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "leaderboards/**/*.md",
    "leaderboards/**/*.svg", "leaderboards/**/*.json", "leaderboards/**/*.parquet",
)  # fmt: skip
"""What the site has besides ``docs/``."""
PLACEHOLDER = "OWNER/benchbench"
"""What stands for the repository's name in pages; CI knows it."""
LAST = ("CHANGELOG.md", "audits/", "leaderboards/", "python.md")
"""Pages that a search shows after the others."""
COMMANDS = "<!-- commands -->"
"""Where the page of the command line has its commands."""
LINK = re.compile(r"(\]\()([^)\s:]+)((?:\s[^)]*)?\))")
FENCE = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2 *$", re.M | re.S)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Link the site to its repository where CI tells which one that is."""
    repository = os.environ.get("GITHUB_REPOSITORY")
    if repository:
        config.repo_name = repository
        config.repo_url = f"https://github.com/{repository}"
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside ``docs/``, and a page for each notebook."""
    from mkdocs.structure.files import File

    for pattern in OUTSIDE:
        for path in sorted(TOP.glob(pattern)):
            name = path.relative_to(TOP).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    for path in sorted((TOP / "docs" / "notebooks").glob("*.ipynb")):
        name = f"notebooks/{path.stem}.md"
        files.append(File.generated(config, name, content=notebook_page(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite links, write the commands' page, and name the repository."""
    if page.file.src_uri.startswith(LAST):
        page.meta["search"] = {"boost": 0.3}
    if COMMANDS in markdown:
        markdown = markdown.replace(COMMANDS, "\n".join(command_pages(main, "benchbench")))
    repository = os.environ.get("GITHUB_REPOSITORY", PLACEHOLDER)
    return rewrite_links(markdown, page.file.src_uri).replace(PLACEHOLDER, repository)


def rewrite_links(markdown: str, page: str) -> str:
    """Return a page with each relative link outside code turned to the site's file.

    Args:
        markdown: the text of the page.
        page: its path in the site's sources, such as ``CONTRIBUTING.md`` or ``data.md``.

    Returns:
        The text; a link to a notebook leads to its page.

    >>> rewrite_links("[a](../CONTRIBUTING.md#x) [b](data.md)", "family.md")
    '[a](CONTRIBUTING.md#x) [b](data.md)'
    >>> rewrite_links("[a](docs/data.md)", "CONTRIBUTING.md")
    '[a](data.md)'
    """
    folder = posixpath.dirname(in_repository(page))

    def rewrite(match: re.Match[str]) -> str:
        path, mark, anchor = match[2].partition("#")
        if path:
            path = re.sub(r"\.ipynb$", ".md", path)
            target = posixpath.normpath(posixpath.join(folder, path))
            path = posixpath.relpath(target.removeprefix("docs/"), posixpath.dirname(page) or ".")
        return f"{match[1]}{path}{mark}{anchor}{match[3]}"

    parts, end = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [LINK.sub(rewrite, markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(rewrite, markdown[end:])])


def in_repository(page: str) -> str:
    """Return where a page of the site lies in the repository.

    >>> in_repository("data.md"), in_repository("leaderboards/README.md")
    ('docs/data.md', 'leaderboards/README.md')
    """
    outside = page.startswith("leaderboards/") or page in OUTSIDE
    return page if outside else f"docs/{page}"


def notebook_page(path: Path) -> str:
    """Return a notebook as a page: its texts, its code, and a link to the file."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    parts = []
    for cell in cells:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    parts.append(f'<a href="{path.name}" download>Download the notebook</a>')
    return "\n\n".join(parts) + "\n"


def command_pages(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[str]:
    """Yield the lines of a command's documentation, and of the commands below it.

    Args:
        command: a command or a group.
        name: what is typed for it after ``parent``'s name.
        parent: the context of the group that it belongs to.
    """
    context = click.Context(command, info_name=name, parent=parent)
    if parent is not None:
        yield f"{'#' * (1 + context.command_path.count(' '))} {context.command_path}\n"
    yield f"```text\n{' '.join(command.collect_usage_pieces(context))}\n```\n".replace(
        "```text\n", f"```text\n{context.command_path} "
    )
    yield help_text(command.help or "") + "\n"
    records = [r for p in command.get_params(context) if (r := p.get_help_record(context)) and r[1]]
    if records:
        yield "| option | meaning |\n|---|---|"
        yield from (f"| <code>{plain(option)}</code> | {plain(text)} |" for option, text in records)
        yield ""
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            if found is not None and not found.hidden:
                yield from command_pages(found, each, context)


def help_text(text: str) -> str:
    """Return a help text as markdown: click's unwrapped paragraphs as code.

    >>> help_text("Do it.\\n\\n\\b\\nlike\\n  this")
    'Do it.\\n\\n```text\\nlike\\n  this\\n```'
    """
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        f"```text\n{each[2:]}\n```" if each.startswith("\b\n") else plain(each)
        for each in paragraphs
    )


def plain(text: str) -> str:
    """Return a text as markdown that shows it as it is, on one line.

    >>> plain("[a|b]\\nc")
    '&#91;a&#124;b&#93; c'
    """
    escaped = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"[][|*_`\\\\]", lambda match: f"&#{ord(match[0])};", escaped)
