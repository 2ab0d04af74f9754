"""What an indicator asks of its evidence, at upload and before it is marked ready; and where the same file stands twice.

The least number of files is part of `cities.answers.resolve`; here are kinds, sizes and dates.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from cities.answers import Problem
from cities.evidence import ANYTHING, Allowed, suffix_of
from cities.models import Evidence, Submission
from cities.scope import membership_in, visible_leaves
from indicators.models import Indicator
from indicators.presenters import evidence_rules as words_of_rules

_MB = 1024 * 1024
#: extensions that mean the same format
_ALIKE = {"jpg": ("jpg", "jpeg"), "jpeg": ("jpg", "jpeg")}
FIELD = "evidence"


def allowed(indicator: Indicator) -> Allowed:
    """The formats and the size that an indicator takes; everything that evidence may be where it names none."""
    max_mb = indicator.evidence_max_mb or 0
    kinds = [kind for kind in indicator.evidence_kinds.split(";") if kind]
    if not kinds:
        return Allowed(max_mb=max_mb)
    suffixes = frozenset(f".{alike}" for kind in kinds for alike in _ALIKE.get(kind, (kind,)))
    return Allowed(suffixes & ANYTHING.suffixes, max_mb, "、".join(kind.upper() for kind in kinds))


def requirements(indicator: Indicator) -> tuple[str, ...]:
    """The same and the rest in words, for the page: number, kinds, size, age."""
    return words_of_rules(indicator)


def years_allowed(indicator: Indicator, year: int) -> tuple[int, int] | None:
    """The first and last year in which evidence may be dated; None without a limit."""
    if not indicator.evidence_years:
        return None
    return year - indicator.evidence_years + 1, year


def problems(indicator: Indicator, files: Iterable[Evidence], year: int) -> tuple[Problem, ...]:
    """What is wrong with the evidence of one indicator: kinds, sizes, dates.

    Args:
        files: what stands under the indicator now, each with its `file`; what came with a supplement or an appeal
            is judged by its readers.
        year: the year that is evaluated.
    """
    takes, window = allowed(indicator), years_allowed(indicator, year)
    found = []
    for one in files:
        if one.occasion == Evidence.Occasion.FILLING:
            number = f"{indicator.code}-{one.sequence:02d}"
            found += [Problem(FIELD, words) for words in _wrong(one, number, takes, window)]
    return tuple(found)


def _wrong(one: Evidence, number: str, takes: Allowed, window: tuple[int, int] | None) -> list[str]:
    found = []
    if suffix_of(one.filename) not in takes.suffixes:
        found.append(f"{number} 的格式不合本指标的要求。请删除后换成 {takes.formats}。")
    if takes.max_mb and one.file.size > takes.limit_mb * _MB:
        size = one.file.size / _MB
        found.append(f"{number} 为 {size:.1f} MB，超过 {takes.limit_mb} MB 上限。请压缩或拆分后上传。")
    if window is not None:
        span = f"{window[0]} 年" if window[0] == window[1] else f"{window[0]} 至 {window[1]} 年"
        if one.dated_on is None:
            found.append(f"请填写 {number} 的材料日期：本指标只采用 {span}的材料。")
        elif not window[0] <= one.dated_on.year <= window[1]:
            dated = f"{one.dated_on:%Y-%m-%d}"
            found.append(f"{number} 的日期为 {dated}，本指标只采用 {span}的材料。请更换材料，或更正日期。")
    return found


def files_by_leaf(submission: Submission) -> dict[int, list[Evidence]]:
    """Leaf -> its evidence in the order of its numbers, each with its `file`; one query."""
    found: dict[int, list[Evidence]] = defaultdict(list)
    live = Evidence.objects.filter(submission=submission, deleted_at=None).select_related("file")
    for one in live.order_by("indicator_id", "sequence"):
        found[one.indicator_id].append(one)
    return found


# --- the same file twice -----------------------------------------------------------------------------------


def twins(files: Sequence[Evidence], submission: Submission, user: Any) -> dict[int, list[str]]:
    """Evidence id -> where else the same bytes stand, in words; one query, and one more where there is a twin.

    The city's own people and those who read it from outside are told of its own files, this round and before. That
    another city handed in the same file is for reviewers and administrators, and says no more than that.
    """
    if not files:
        return {}
    outsider = membership_in(user, submission) is None
    others = Evidence.objects.filter(file__in={one.file_id for one in files}, deleted_at=None)
    if not outsider:
        others = others.filter(submission__city=submission.city_id)
    same: dict[int, list[Evidence]] = defaultdict(list)
    for other in others.select_related("submission__round", "indicator").order_by(
        "-submission__round__year", "id"
    ):
        same[other.file_id].append(other)
    if len(same) == sum(map(len, same.values())):  # each stands once: under this very number
        return {}
    visible = visible_leaves(user, submission)
    found = {}
    for one in files:
        words = [_twin_words(submission, other, visible) for other in same[one.file_id] if other.pk != one.pk]
        if words:
            found[one.pk] = list(dict.fromkeys(words))
    return found


def _twin_words(mine: Submission, other: Evidence, visible: frozenset[int] | None) -> str:
    theirs = other.submission
    if theirs.city_id != mine.city_id:
        return "与另一城市提交的文件相同"
    if theirs.pk == mine.pk:
        seen = visible is None or other.indicator_id in visible
        return f"与 {other.number} 相同" if seen else "与本市其他指标的材料相同"
    if theirs.round.year == mine.round.year:
        return f"与“{theirs.round.name}”{other.number} 相同"
    return f"与 {theirs.round.year} 年 {other.number} 相同"


def twin_in(submission: Submission, indicator: Indicator, sha256: str, by: Any) -> Evidence | None:
    """Where the file stands in this submission already: under this indicator first, else under one that `by` sees."""
    same = Evidence.objects.filter(submission=submission, deleted_at=None, file__sha256=sha256)
    visible = visible_leaves(by, submission) if by is not None else None
    if visible is not None:
        same = same.filter(Q(indicator__in=visible) | Q(indicator=indicator))
    found = list(same.select_related("indicator").order_by("id"))
    return next((one for one in found if one.indicator_id == indicator.pk), found[0] if found else None)
