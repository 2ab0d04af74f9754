"""A city's case as a Word document."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from cities.cases import evidence_numbers, references_in
from cities.evidence import open_bytes
from cities.models import CasePicture, CaseSection, Evidence, Submission
from indicators import word

Key = CaseSection.Key


def case_document(submission: Submission, sections: Iterable[CaseSection]) -> bytes:
    """The bytes of a .docx: title, parts with their pictures, and a list of the evidence that is named."""
    parts = {one.key: one for one in sections}
    marks = "".join(f"【{mark}】" for mark in submission.round.marks)
    document = word.new_report(
        title=case_title(submission, parts), running=f"{marks}{submission.round} · {submission.city}"
    )
    word.title(document, case_title(submission, parts), below=str(submission.city))
    write_parts(document, submission, parts, level=1)
    return word.saved(document)


def case_title(submission: Submission, parts: dict[str, CaseSection]) -> str:
    """What the case is called; by the city's name while it has no title."""
    title = parts[Key.TITLE].text.strip() if Key.TITLE in parts else ""
    return title or _("%(city)s学习型城市建设案例") % {"city": submission.city}


def write_parts(document: Any, submission: Submission, parts: dict[str, CaseSection], *, level: int) -> None:
    """Write the parts into a document, under headings of `level`; a part without text is left out."""
    numbers = evidence_numbers(submission)
    pictures: dict[int, list[CasePicture]] = {}
    live = CasePicture.objects.filter(section__in=parts.values(), deleted_at=None).select_related("file")
    for one in live.order_by("position", "id"):
        pictures.setdefault(one.section_id, []).append(one)
    named: dict[str, Evidence] = {}
    for key in Key.values:
        section = parts.get(key)
        if key == Key.TITLE or section is None:
            continue
        if not section.text.strip() and not pictures.get(section.pk):
            continue
        word.heading(document, section.get_key_display(), level=level)
        word.body(document, section.text)
        for one in pictures.get(section.pk, []):
            with open_bytes(one.file) as file:
                word.picture(document, file.read(), one.caption)
        named |= {number: numbers[number] for number in references_in(section.text) if number in numbers}
    if named:
        word.heading(document, _("引用的佐证材料"), level=level)
        rows = [[number, file.title or file.filename, file.locator] for number, file in named.items()]
        word.table(document, [_("编号"), _("材料"), _("页码")], rows, [3.0, 9.6, 3.0])
