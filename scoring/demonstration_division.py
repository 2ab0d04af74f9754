"""The city of the demonstration that still fills in: its departments, who does what, and what waits for whom."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from cities import actions
from cities.answers import content_of
from cities.models import Membership, Submission
from cities.queries import Task, load_task_list

EDUCATION = "教育局"
DEPARTMENTS = (EDUCATION, "文化和旅游局", "民政局", "人力资源和社会保障局", "科学技术局", "市委宣传部")
UNASSIGNED = 5  # leaves without a department: something for the lead to do
MARKED, APPROVED = 6, 2
REMARK = "【演示数据】请补充数据来源，并与统计年鉴的口径保持一致。"


def divide(submission: Submission, *, lead: User, editor: User) -> None:
    """Give each dimension to a department with an internal deadline; the editor's department has marked a few."""
    made = {
        one.name: one for one in actions.add_departments(city=submission.city, names=DEPARTMENTS, by=lead)
    }
    education = made[EDUCATION]
    actions.move_member(
        membership=Membership.objects.get(user=editor, city=submission.city), department=education, by=lead
    )
    today = timezone.localdate()
    task_list = load_task_list(submission)
    left_out = {task.indicator.pk for task in task_list.tasks[-UNASSIGNED:]}
    complete = [
        task.indicator.pk for task in task_list.tasks if not task.problems and task.answer.status == "draft"
    ]
    own = set(complete[:MARKED])  # the editor's department has something to show
    changes: dict[actions.Target, actions.Change] = {}
    for at, group in enumerate(task_list.groups):
        department = made[DEPARTMENTS[at % len(DEPARTMENTS)]]
        other = made[DEPARTMENTS[(at + 1) % len(DEPARTMENTS)]]
        for number, task in enumerate(group.tasks):
            if task.indicator.pk in own or task.indicator.pk not in left_out:
                changes[task.indicator.pk] = actions.Change(
                    lead_department=education.pk if task.indicator.pk in own else department.pk,
                    supporting=frozenset({other.pk} if number % 3 == 0 else ()),
                    due_on=today + timedelta(days=4 * at + number - 3),
                )
    actions.divide(submission=submission, changes=changes, by=lead)
    _mark(submission, editor=editor, lead=lead, department=education.pk)


def _mark(submission: Submission, *, editor: User, lead: User, department: int) -> None:
    """Some of the department's answers are ready, two approved, one given back."""
    own = [task for task in load_task_list(submission).tasks if _is_complete(task, department)][:MARKED]
    done: list[int] = []
    for task in own:
        task.answer.submission = submission
        try:
            actions.save_answer(
                answer=task.answer, content=content_of(task.answer), seen_version=task.answer.version, by=editor,
                ready=True, source="demo",
            )  # fmt: skip
        except actions.NotReady:
            continue
        done.append(task.indicator.pk)
    actions.approve(submission=submission, indicator_ids=done[:APPROVED], by=lead)
    if len(done) > APPROVED:
        actions.return_inside(submission=submission, remarks={done[APPROVED]: REMARK}, by=lead)


def _is_complete(task: Task, department: int) -> bool:
    lead = task.lead_department
    return lead is not None and lead.pk == department and not task.problems and task.answer.status == "draft"
