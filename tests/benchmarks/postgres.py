"""A PostgreSQL server of our own for the time of a benchmark, where the programs are installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """The folder of the newest server programs."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3])
    )
    return installed[-1].parent if installed else None


@contextmanager
def server(binaries: Path) -> Iterator[str]:
    """Its DATABASE_URL. Durability is off, as in the gate: the floors have the same."""
    folder = Path(tempfile.mkdtemp())
    owner: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        owner = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = (
        f"-p {port} -k '{folder}' -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off "
        "-c full_page_writes=off -c shared_buffers=256MB -c max_wal_size=4GB"
    )
    control = [*owner, str(binaries / "pg_ctl"), "-D", str(folder / "data")]

    def run(*command: str) -> None:
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)

    run(
        *owner, str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "evaluation", "-A", "trust", "-E", "UTF8",
        "--locale=C", "--no-sync",
    )  # fmt: skip
    run(*control, "-w", "-t", "60", "-l", str(folder / "server"), "-o", options, "start")
    try:
        yield f"postgres://evaluation@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, cwd="/", stdout=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
