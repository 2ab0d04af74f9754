"""The difference between two receipts of a submission, leaf by leaf; and between two versions of one answer.

Works on what receipts hold (`actions.submission_content`): plain dictionaries. A field that an older receipt does
not know counts as empty there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cities.models import Answer, Evidence

Content = Mapping[str, Any]
_LABELS = {
    "value_state": "填报方式",
    "value_text": "数值",
    "level": "等级",
    "items": "已达到的要点",
    "reason": "原因",
    "narrative": "情况说明",
    "explanation": "变化说明",
}
_NOT_COMPARED = {"code", "version", "value"}  # the value follows from what was typed
_LONG = {"reason", "narrative", "explanation"}
_STATES = dict(Answer.ValueState.choices)


@dataclass(frozen=True)
class Piece:
    """A stretch of text: in both (`same`), only before (`removed`) or only after (`added`)."""

    kind: str
    text: str


@dataclass(frozen=True)
class FieldDiff:
    """One field of an answer before and after, also as pieces of one text."""

    name: str
    label: str
    before: str
    after: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class LeafDiff:
    """What differs at one leaf. Files are shown as `A1.2-01 文件名（页码）`."""

    code: str
    fields: tuple[FieldDiff, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = field(default=())


def changed_codes(before: Content, after: Content) -> set[str]:
    """The codes of the leaves whose answer or evidence differs between two receipts."""
    return {diff.code for diff in leaf_diffs(before, after)}


def leaf_diffs(before: Content, after: Content) -> list[LeafDiff]:
    """What differs, in the framework's order. Supplements are no part of it: they were handed in on their own."""
    old, new = _answers(before), _answers(after)
    old_files, new_files = _files(before), _files(after)
    found = (
        _leaf_diff(
            code, old.get(code, {}), new.get(code, {}), old_files.get(code, {}), new_files.get(code, {})
        )
        for code in [*new, *(code for code in old if code not in new)]
    )
    return [diff for diff in found if diff is not None]


def leaf_diff(code: str, before: Content, after: Content) -> LeafDiff | None:
    """What differs at one leaf between two receipts; None when nothing does."""
    return _leaf_diff(
        code,
        _answers(before).get(code, {}),
        _answers(after).get(code, {}),
        _files(before).get(code, {}),
        _files(after).get(code, {}),
    )


def version_of(content: Content, code: str) -> int | None:
    """The version of the leaf's answer that a receipt holds."""
    return _answers(content).get(code, {}).get("version")


def _leaf_diff(
    code: str, old: Content, new: Content, old_files: dict[str, Content], new_files: dict[str, Content]
) -> LeafDiff | None:
    names = [name for name in {**_LABELS, **old, **new} if name not in _NOT_COMPARED]
    fields = tuple(
        field_diff(name, _plain(name, old.get(name)), _plain(name, new.get(name)))
        for name in names
        if (old.get(name) or "") != (new.get(name) or "")
    )
    both = [number for number in new_files if number in old_files]
    diff = LeafDiff(
        code,
        fields,
        added=tuple(_file_words(new_files[number]) for number in new_files if number not in old_files),
        removed=tuple(_file_words(old_files[number]) for number in old_files if number not in new_files),
        renamed=tuple(
            (_file_words(old_files[number]), _file_words(new_files[number]))
            for number in both
            if _file_facts(old_files[number]) != _file_facts(new_files[number])
        ),
    )
    return diff if diff.fields or diff.added or diff.removed or diff.renamed else None


def field_diff(name: str, before: str, after: str) -> FieldDiff:
    """Long texts are compared character by character, so that a changed word stands out; short ones as a whole."""
    if name in _LONG:
        pieces = _pieces(before, after)
    else:
        whole = (Piece("removed", before), Piece("added", after))
        pieces = tuple(piece for piece in whole if piece.text)
    return FieldDiff(name, _LABELS.get(name, name), before, after, pieces)


def _pieces(before: str, after: str) -> tuple[Piece, ...]:
    from diff_match_patch import diff_match_patch  # noqa: PLC0415 — pages without a comparison do without it

    matcher = diff_match_patch()
    matcher.Diff_Timeout = 0.2  # seconds; beyond that the comparison is coarser, never wrong
    found = matcher.diff_main(before, after)
    matcher.diff_cleanupSemantic(found)
    kinds = {-1: "removed", 0: "same", 1: "added"}
    return tuple(Piece(kinds[sign], text) for sign, text in found)


def _plain(name: str, value: Any) -> str:
    text = "" if value is None else str(value)
    return _STATES.get(text, text) if name == "value_state" else text


def _answers(content: Content) -> dict[str, Content]:
    return {one["code"]: one for one in content.get("answers", [])}


def _files(content: Content) -> dict[str, dict[str, Content]]:
    """Leaf code -> number -> file, in order; those of the filling only."""
    found: dict[str, dict[str, Content]] = {}
    for one in content.get("evidence", []):
        if one.get("occasion", Evidence.Occasion.FILLING) == Evidence.Occasion.FILLING:
            found.setdefault(one["number"].rpartition("-")[0], {})[one["number"]] = one
    return found


def _file_facts(file: Content) -> tuple[str, ...]:
    return tuple(file.get(name) or "" for name in ("sha256", "filename", "locator", "title", "dated_on"))


def _file_words(file: Content) -> str:
    name = file.get("title") or file["filename"]
    return f"{file['number']} {name}" + (f"（{file['locator']}）" if file.get("locator") else "")
