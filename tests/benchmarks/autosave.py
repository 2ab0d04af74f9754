"""Row 7: autosave by 200 clients at once, on a real server, for longer than the database waits for a lock.

Run by `__main__` in a process of its own: `python -m tests.benchmarks.autosave OUT`, with DATABASE_URL naming an empty
database. The floor is a signed-in POST through every middleware that writes nothing, by the same clients on the same
server.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import django

from .measure import Row, say, write

CLIENTS, CITIES = 200, 20
#: SQLite gives up on a lock after 20 s: a shorter window would not see it happen
WINDOW, FLOOR_WINDOW = 25.0, 6.0
#: of the floor's throughput
SHARE = {"sqlite": 0.35, "postgresql": 0.3}
TOKEN = "b" * 32


@dataclass
class Client:
    """One person in one browser: a session, an answer, and what the server said it has."""

    address: str
    cookie: str
    version: int = 0
    saved: str = ""
    acknowledged: int = 0
    failures: list[str] = field(default_factory=list)
    typed: int = 0

    def autosave(self) -> tuple[str, dict[str, str]]:
        self.typed += 1
        text = f"第{self.typed}次输入的情况说明。" + "说明" * 60
        return self.address, {
            "version": str(self.version), "value_state": "value", "value_text": "40", "narrative": text,
            "then": "autosave",
        }  # fmt: skip

    def nothing(self) -> tuple[str, dict[str, str]]:
        _address, data = self.autosave()
        return "/bench/nothing/", data

    def took(self, data: dict[str, str], status: int, body: bytes) -> None:
        if status != 200:
            self.failures.append(f"{status} {body[:200]!r}")
            return
        fields = json.loads(body).get("fields")
        if fields:
            self.acknowledged += 1
            self.version, self.saved = fields["version"], data["narrative"]


async def _post(
    reader, writer, port: int, client: Client, address: str, data: dict[str, str]
) -> tuple[int, bytes]:
    body = urlencode(data).encode()
    writer.write(
        f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: sessionid={client.cookie}; csrftoken={TOKEN}\r\n"
        f"X-CSRFToken: {TOKEN}\r\nX-Autosave: 1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status = int(head.split(" ", 2)[1])
    length = next(int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:"))
    answer = await reader.readexactly(length)
    if "connection: close" in head.lower():
        writer.close()
    return status, answer


async def _work(
    client: Client, port: int, until: float, request: Callable[[Client], tuple[str, dict[str, str]]]
) -> int:
    """One client: the next save leaves when the last one is answered, on a connection that stays open."""
    reader = writer = None
    count = 0
    while time.monotonic() < until:
        address, data = request(client)
        if writer is None or writer.is_closing():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        status, body = await _post(reader, writer, port, client, address, data)
        client.took(data, status, body)
        count += 1
    if writer is not None:
        writer.close()
    return count


def rush(clients: list[Client], port: int, seconds: float, request) -> float:
    """Requests a second, all clients at once."""

    async def all_of_them() -> int:
        until = time.monotonic() + seconds
        return sum(await asyncio.gather(*(_work(client, port, until, request) for client in clients)))

    started = time.monotonic()
    count = asyncio.run(all_of_them())
    return count / (time.monotonic() - started)


@contextmanager
def server() -> Iterator[int]:
    """gunicorn with the options of `./run serve`, on a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{port}", "--workers", "2",
            "--threads", "4", "--worker-class", "gthread", "--timeout", "120", "--graceful-timeout", "20",
            "--log-level", "warning",
        ],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.served_settings"},
    )  # fmt: skip
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def clients() -> list[Client]:
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.db import transaction

    from . import filling

    store = import_module(settings.SESSION_ENGINE).SessionStore
    found = []
    with transaction.atomic():
        for submission, code, editor in filling.clients_at_work(CLIENTS, CITIES):
            session = store()
            session[SESSION_KEY], session[HASH_SESSION_KEY] = str(editor.pk), editor.get_session_auth_hash()
            session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
            session["seen_at"] = int(time.time())
            session.save()
            found.append(Client(f"/s/{submission}/i/{code}/", session.session_key))
    return found


def lost(people: list[Client]) -> int:
    """Saves that were acknowledged and are not there: the last text, and every version in the history."""
    from cities.models import Answer

    missing = 0
    for client in people:
        _s, submission, _i, code = client.address.strip("/").split("/")
        answer = Answer.objects.get(submission=submission, indicator__code=code)
        there = answer.log.count()
        missing += max(0, client.acknowledged - there) + (answer.narrative != client.saved)
    return missing


def rows() -> list[Row]:
    from django.core.management import call_command
    from django.db import connection, connections

    call_command("migrate", verbosity=0)
    people = clients()
    connections.close_all()
    with server() as port:
        rush(people, port, 2, Client.nothing)  # the workers have loaded everything
        floor = rush(people, port, FLOOR_WINDOW, Client.nothing)
        ours = rush(people, port, WINDOW, Client.autosave)
        floor = max(floor, rush(people, port, FLOOR_WINDOW, Client.nothing))
    failures = [words for client in people for words in client.failures]
    for words in failures[:5]:
        say(words)
    gone, saves = lost(people), sum(client.acknowledged for client in people)
    share = SHARE[connection.vendor]
    note = (
        f"{saves} saves in {WINDOW:g} s, {len(failures)} failed, {gone} lost; {ours:.0f}/s of {floor:.0f}/s "
        f"({ours / floor:.2f} ≥ {share})"
    )
    name = f"7 autosave by {CLIENTS} clients at once, {connection.vendor}"
    return [Row(name, 1 / ours, 1 / floor, 1 / share, note, not failures and not gone)]


if __name__ == "__main__":
    django.setup()
    write(rows(), Path(sys.argv[1]))
