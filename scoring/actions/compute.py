"""Compute a round's result and keep it."""

import zlib
from collections.abc import Callable, Iterator
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

Progress = Callable[[str, int], None]


LARGEST_SEED = 2**63 - 1
MOST_DRAWS = 100_000


def compute_round(
    *,
    round: Round,
    by: User | None,
    seed: int = 1,
    draws: int = 1000,
    reason: str = "",
    progress: Progress | None = None,
) -> ResultSnapshot:
    """Score every city of the round and store the result as a new snapshot.

    The round is read in one moment and the result written in another; in between no transaction is held.

    Args:
        progress: told each step in words and how much is done, in percent, outside any transaction of this function.

    Raises:
        ActionRefused: no city takes part, the seed or the number of draws is negative, or an answer or a mark
            cannot be scored; nothing is written.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise ActionRefused(f"随机种子应在 0 到 {LARGEST_SEED} 之间。")
    if not 0 <= draws <= MOST_DRAWS:
        raise ActionRefused(f"模拟次数应在 0 到 {MOST_DRAWS} 之间。")
    tell = progress or (lambda _step, _percent: None)
    tell("读取填报与评分", 5)
    with one_moment():
        gathered = gather(round)
    if not gathered.inputs.cities:
        raise ActionRefused(f"轮次“{round.code}”还没有参评城市，无法计算。")
    tell("计算得分与名次区间", 30)
    try:
        computed = snapshots.compute(gathered, seed=seed, draws=draws)
    except InputError as error:
        raise ActionRefused(f"轮次“{round.code}”无法计算：{error}") from error
    tell("检验稳健性", 60)
    robustness = snapshots.robustness_of(gathered, computed)
    data = payload(gathered, seed=seed, draws=draws, delta=snapshots.DELTA)
    canonical = snapshots.canonical_json(data)
    tell("保存结果", 80)
    with transaction.atomic():
        snapshot = ResultSnapshot.objects.create(
            round=round,
            created_by=by,
            reason=reason[:200],
            engine_version=ENGINE_VERSION,
            seed=seed,
            draws=draws,
            method=snapshots.method_of(data, computed),
            inputs=zlib.compress(canonical),
            robustness=robustness,
            digest=snapshots.digest(canonical),
        )
        snapshots.store_node_scores(snapshot, gathered, computed)
        audit.record(
            actor=by, action="compute_scores", target=round.code, snapshot=snapshot.pk, digest=snapshot.digest,
            seed=seed, draws=draws, reason=reason,
        )  # fmt: skip
    return snapshot


@contextmanager
def one_moment() -> Iterator[None]:
    """A transaction in which every read sees the same moment."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
