"""The rules of a city's case: how long each part may be, and which evidence it names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cities.answers import Problem
from cities.models import CaseSection, Evidence, Membership, Submission
from cities.scope import membership_in

Key = CaseSection.Key

#: the most characters of each part, blanks not counted
LIMITS: dict[str, int] = {
    Key.TITLE: 40,
    Key.BACKGROUND: 800,
    Key.PRACTICE: 3000,
    Key.RESULTS: 1500,
    Key.LESSONS: 1500,
    Key.OUTLOOK: 800,
}
MOST_PICTURES = 6  # of one part
#: 〔A1.2-01〕 or [A1.2-01]: a number of the evidence catalogue
_REFERENCE = re.compile(r"[〔\[【]\s*([^〔〕\[\]【】\s]{1,64}-\d{2,4})\s*[〕\]】]")


@dataclass(frozen=True)
class Part:
    """One part of a case as pages show it."""

    section: CaseSection
    length: int
    limit: int
    problems: tuple[Problem, ...]

    @property
    def is_done(self) -> bool:
        return self.section.status in (CaseSection.Status.READY, CaseSection.Status.APPROVED)


def length_of(text: str) -> int:
    """How many characters a text has, as 字数 is counted: without blanks and line ends."""
    return len("".join(text.split()))


def references_in(text: str) -> list[str]:
    """The evidence numbers that a text names, each once, in their order."""
    return list(dict.fromkeys(_REFERENCE.findall(text)))


def evidence_numbers(submission: Submission) -> dict[str, Evidence]:
    """The evidence of a submission by number: one query."""
    files = Evidence.objects.filter(submission=submission, deleted_at=None).select_related(
        "indicator", "file"
    )
    return {file.number: file for file in files}


def problems_of(section: CaseSection, numbers: dict[str, Evidence]) -> tuple[Problem, ...]:
    """What keeps a part from being ready."""
    found: list[Problem] = []
    length, limit = length_of(section.text), LIMITS[section.key]
    label = section.get_key_display()
    if not length:
        found.append(Problem("text", f"请填写“{label}”。"))
    if length > limit:
        found.append(_over(section))
    unknown = [number for number in references_in(section.text) if number not in numbers]
    if unknown:
        found.append(
            Problem("text", f"引用的材料 {'、'.join(unknown)} 不在佐证材料目录里。请核对编号，或先上传材料。")
        )
    return tuple(found)


def too_long(submission: Submission, sections: Iterable[CaseSection] | None = None) -> list[Part]:
    """The parts that keep the submission from being handed in; after a return the case stays as it was handed in.

    One query, none where `sections` are given.
    """
    if submission.status == Submission.Status.RETURNED:
        return []
    sections = submission.case_sections.all() if sections is None else sections
    order = list(LIMITS)
    over = [one for one in sections if length_of(one.text) > LIMITS[one.key]]
    return [
        Part(one, length_of(one.text), LIMITS[one.key], (_over(one),))
        for one in sorted(over, key=lambda one: order.index(one.key))
    ]


def _over(section: CaseSection) -> Problem:
    limit = LIMITS[section.key]
    words = (
        f"“{section.get_key_display()}”最多 {limit} 字，已超出 {length_of(section.text) - limit} 字，请删减。"
    )
    return Problem("text", words)


def sections_of(submission: Submission) -> list[CaseSection]:
    """The parts as they are stored, unsaved empty ones for those that nobody has opened yet: looking writes nothing."""
    there = list(submission.case_sections.select_related("lead_department", "person", "updated_by"))
    found = {one.key for one in there}
    return there + [CaseSection(submission=submission, key=key) for key in LIMITS if key not in found]


def parts_of(submission: Submission, sections: list[CaseSection]) -> list[Part]:
    """The parts in their order, with what is wrong with each: one query."""
    numbers = evidence_numbers(submission)
    order = list(LIMITS)
    return [
        Part(one, length_of(one.text), LIMITS[one.key], problems_of(one, numbers))
        for one in sorted(sections, key=lambda one: order.index(one.key))
    ]


def may_write_section(user: Any, section: CaseSection) -> bool:
    """The lead and whoever works for the whole city write every part; a department writes what was given to it."""
    member = membership_in(user, section.submission)
    if member is None:
        return False
    if member.role == Membership.Role.LEAD or member.department_id is None:
        return True
    return section.lead_department_id == member.department_id or section.person_id == user.pk
