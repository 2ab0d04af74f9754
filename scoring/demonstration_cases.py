"""Cases of three cities of the demonstration, and the two that are selected for the collection. Generated text."""

from accounts.models import User
from cities.actions import cases
from cities.models import CaseSection, Round, Submission
from scoring.actions.visits import decide_case

Key = CaseSection.Key
MARK = "【演示】"
CITIES = ("110000", "310000", "320400")
SELECTED = ("310000", "320400")
_TEXTS = {
    Key.TITLE: "{mark}{city}：把学习送到家门口",
    Key.BACKGROUND: "{mark}本段为自动生成的示例文字，不反映{city}的真实情况。\n案例的背景一般写明人口与资源、已有基础和要解决的问题。",
    Key.PRACTICE: (
        "{mark}以下做法均为示例。\n一是健全机制：市级统筹，部门分工，街道和社区落实。\n"
        "二是整合资源：学校、图书馆、文化馆错时开放，课程统一编目。\n三是用好数据：按季度核对参与人数，及时调整课程。"
    ),
    Key.RESULTS: "{mark}示例：课程点增多，老年人和在职人员参与面扩大。真实案例须写明数据来源，并引用佐证材料编号。",
    Key.LESSONS: "{mark}示例：部门协同重在清单，持续投入重在制度。",
    Key.OUTLOOK: "{mark}示例：下一步完善学分银行，加强社区学习点的评价。",
}


def write(submission: Submission, *, by: User) -> None:
    """The whole case, each part done; before the submission is handed in."""
    for section in cases.open_case(submission=submission):
        text = _TEXTS[Key(section.key)].format(mark=MARK, city=submission.city.name_zh)
        cases.save_section(section=section, text=text, seen_version=section.version, by=by, ready=True)


def select(round_: Round, *, by: User) -> None:
    """The moderator's decisions; after handing in."""
    for submission in round_.submissions.filter(city__code__in=CITIES).select_related("city", "round"):
        chosen = submission.city.code in SELECTED
        reason = f"{MARK}做法完整，可供借鉴。" if chosen else f"{MARK}与其他案例主题相近，本次不收入。"
        decide_case(submission=submission, is_selected=chosen, reason=reason, by=by)
