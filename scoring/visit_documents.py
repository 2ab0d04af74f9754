"""The report of a site visit as a Word document."""

from django.utils.translation import gettext as _

from cities.evidence import open_bytes
from indicators import word
from scoring.models import SiteVisit


def visit_document(visit: SiteVisit) -> bytes:
    """The bytes of a .docx: who, when, where, what was seen of each indicator, photographs, conclusion."""
    submission = visit.submission
    title = _("%(city)s实地考察报告") % {"city": submission.city}
    marks = "".join(f"【{mark}】" for mark in submission.round.marks)
    document = word.new_report(title=title, running=f"{marks}{submission.round}")
    word.title(document, title, below=str(submission.round))
    members = [str(one) for one in visit.members.order_by("display_name")]
    rows = [
        [_("考察日期"), f"{visit.starts_on:%Y-%m-%d} — {visit.ends_on:%Y-%m-%d}"],
        [_("考察组成员"), "、".join([*members, visit.other_members]).strip("、") or "—"],
        [_("行程"), visit.itinerary or "—"],
    ]
    word.table(document, [_("项目"), _("内容")], rows, [3.2, 12.4])
    notes = list(visit.notes.select_related("indicator").order_by("indicator__position", "id"))
    photos = list(visit.photos.select_related("indicator", "file").order_by("indicator__position", "id"))
    word.heading(document, _("一、考察记录"))
    if not notes:
        word.body(document, _("没有记录。"))
    subject = ""
    for note in notes:
        about = str(note.indicator) if note.indicator else _("总体情况")
        if about != subject:
            word.heading(document, about, level=2)
            subject = about
        word.body(document, note.text)
    word.heading(document, _("二、考察小结"))
    word.body(document, visit.summary or _("尚未撰写。"))
    if photos:
        word.heading(document, _("三、照片"))
        for photo in photos:
            about = f"{photo.indicator.code} " if photo.indicator else ""
            with open_bytes(photo.file) as file:
                word.picture(document, file.read(), f"{about}{photo.caption or photo.filename}", width=11)
    return word.saved(document)
