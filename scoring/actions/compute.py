"""Compute a round's result and keep it."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from accounts import audit
from accounts.models import User
from cities.actions import ActionRefused
from cities.models import Round
from scoring import snapshots
from scoring.engine import ENGINE_VERSION, InputError
from scoring.inputs import gather, payload
from scoring.models import ResultSnapshot


def compute_round(
    *, round: Round, by: User | None, seed: int = 1, draws: int = 1000, reason: str = ""
) -> ResultSnapshot:
    """Score every city of the round and store the result as a new snapshot.

    Raises:
        ActionRefused: no city takes part, the seed or the number of draws is negative, or an answer or a mark
            cannot be scored; nothing is written.
    """
    if seed < 0 or draws < 0:
        raise ActionRefused("随机种子和模拟次数不能是负数。")
    with _one_moment():
        gathered = gather(round)
        if not gathered.inputs.cities:
            raise ActionRefused(f"轮次“{round.code}”还没有参评城市，无法计算。")
        try:
            computed = snapshots.compute(gathered, seed=seed, draws=draws)
        except InputError as error:
            raise ActionRefused(f"轮次“{round.code}”无法计算：{error}") from error
        data = payload(gathered, seed=seed, draws=draws, delta=snapshots.DELTA)
        canonical = snapshots.canonical_json(data)
        snapshot = ResultSnapshot.objects.create(
            round=round,
            created_by=by,
            reason=reason[:200],
            engine_version=ENGINE_VERSION,
            seed=seed,
            draws=draws,
            method=snapshots.method_of(data, computed),
            inputs=zlib.compress(canonical),
            digest=snapshots.digest(canonical),
        )
        snapshots.store_node_scores(snapshot, gathered, computed)
        audit.record(
            actor=by, action="compute_scores", target=round.code, snapshot=snapshot.pk, digest=snapshot.digest,
            seed=seed, draws=draws, reason=reason,
        )  # fmt: skip
    return snapshot


@contextmanager
def _one_moment() -> Iterator[None]:
    """A transaction in which every read sees the same moment."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
