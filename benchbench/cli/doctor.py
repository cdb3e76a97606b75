"""``benchbench doctor``: a report on the installation, to find why evaluations fail."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from benchbench.dependencies import Package
    from benchbench.doctor import Diagnosis, Folder


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def doctor_command(as_json: bool) -> int:
    """Print versions, devices, caches and settings, and what is wrong with them.

    Exit codes: 0 if an evaluation can run, 1 if a problem would break it.
    """
    from benchbench.doctor import diagnose

    found = diagnose()
    click.echo(json.dumps(asdict(found), indent=2) if as_json else _page(found))
    return 0 if found.healthy else 1


def _page(found: Diagnosis) -> str:
    from tabulate import tabulate

    torch = found.torch
    gpus = [f"cuda:{number} {name}" for number, name in enumerate(torch.cuda)]
    devices = [f"cpu ({torch.threads} threads)", *gpus, *["mps"] * torch.mps]
    variables = [f"{name}={value}" for name, value in found.variables.items()]
    rows = [
        ("benchbench", f"{found.version}, {found.location}"),
        ("python", f"{found.python}, {found.executable}"),
        ("platform", found.platform),
        ("devices", f"{', '.join(devices)}; torch built for {torch.build}" if torch.build else "?"),
        *((f"cache of {each.name}", _cache(each)) for each in found.caches),
        ("settings", ", ".join([found.settings or "no file", *variables])),
    ]
    table = tabulate(
        [_row(each) for each in found.packages],
        ["package", "installed", "allowed", "tested", ""],
        disable_numparse=True,
    )
    findings = [("Problem: " if each.breaks else "Note: ") + each.text for each in found.findings]
    verdict = findings or ["No problem was found."]
    return "\n".join([tabulate(rows, tablefmt="plain"), "", table, "", *verdict])


def _row(package: Package) -> tuple[str, str, str, str, str]:
    optional = f"only for benchbench-vl[{package.extra}]" if package.extra else ""
    installed = package.installed or "–"
    return package.name, installed, package.allowed, package.tested or "–", optional


def _cache(folder: Folder) -> str:
    writable = "writable" if folder.writable else "not writable"
    size, free = folder.bytes / 1e6, folder.free / 1e9
    return f"{folder.path}, {size:,.0f} MB, {writable}, {free:,.0f} GB free"
