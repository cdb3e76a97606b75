"""A Slurm of one node on this machine, with daemons of its own that end with the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo")
SECONDS = 60.0


def lacking() -> str:
    """Return why no cluster can be started; empty where one can."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        return f"not installed: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "slurmd runs as root alone"


@contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """Yield the variables by which Slurm's commands find the cluster."""
    with tempfile.TemporaryDirectory(prefix="slurm") as name:
        folder, host = Path(name), socket.gethostname().partition(".")[0]
        (folder / "key").write_bytes(os.urandom(1024))
        (folder / "key").chmod(0o600)
        (folder / "slurm.conf").write_text(_settings(folder, host))
        for each in ("state", "spool"):
            (folder / each).mkdir()
        variables = {"SLURM_CONF": str(folder / "slurm.conf")}
        running: list[subprocess.Popen[bytes]] = []
        try:
            running.append(_start(folder, "munged", "--foreground", "--force", *_munge(folder)))
            _wait(lambda: (folder / "munge.sock").exists())
            running.append(_start(folder, "slurmctld", "-D", **variables))
            running.append(_start(folder, "slurmd", "-D", "-N", host, **variables))
            _wait(lambda: "idle" in _said(["sinfo", "-h", "-o", "%T"], variables))
            yield variables
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait()


def wait_for_jobs(variables: dict[str, str]) -> None:
    """Return once no job is queued or runs."""
    _wait(lambda: not _said(["squeue", "-h"], variables).strip(), 5 * SECONDS)


def _start(folder: Path, name: str, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.out").open("wb") as log:
        return subprocess.Popen(
            [name, *arguments], env={**os.environ, **variables}, stdout=log, stderr=log
        )


def _said(command: list[str], variables: dict[str, str]) -> str:
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    return done.stdout if not done.returncode else "failed"


def _wait(until: object, seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    assert callable(until)
    while not until():
        assert time.monotonic() < end, "Slurm does not get there"
        time.sleep(0.3)


def _munge(folder: Path) -> list[str]:
    names = {"key-file": "key", "socket": "munge.sock", "pid-file": "munge.pid"}
    names |= {"log-file": "munge.log", "seed-file": "munge.seed"}
    return [f"--{option}={folder / name}" for option, name in names.items()]


def _free_port() -> int:
    with socket.socket() as each:
        each.bind(("", 0))
        return int(each.getsockname()[1])


def _settings(folder: Path, host: str) -> str:
    return f"""ClusterName=test
SlurmctldHost={host}
SlurmctldPort={_free_port()}
SlurmdPort={_free_port()}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MailProg=/bin/true
NodeName={host} CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
