"""Who reviews which city, and what each of them judged."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from cities.models import City, Round, Submission
from indicators.models import Indicator


class ReviewAssignment(models.Model):
    """One reviewer's task: score one city's submission. The seat is the name the city sees: R1, R2, R3."""

    class Status(models.TextChoices):
        ASSIGNED = "assigned", "评审中"
        FINISHED = "finished", "已完成"
        RECUSED = "recused", "回避"

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="assignments", verbose_name="填报"
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="assignments",
        verbose_name="评审专家",
    )
    seat = models.PositiveSmallIntegerField("席位")
    dimensions = models.JSONField("负责的维度", default=list, blank=True, help_text="维度代码；空为全部")
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.ASSIGNED)
    assigned_at = models.DateTimeField("分配时间", auto_now_add=True, null=True)
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        verbose_name = "评审任务"
        verbose_name_plural = "评审任务"
        ordering = ["submission", "seat"]
        constraints = [
            models.UniqueConstraint(fields=["submission", "reviewer"], name="assignment_one_per_reviewer"),
            models.UniqueConstraint(fields=["submission", "seat"], name="assignment_one_per_seat"),
            models.CheckConstraint(
                condition=Q(status="finished", finished_at__isnull=False)
                | (~Q(status="finished") & Q(finished_at=None)),
                name="assignment_finished_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · R{self.seat}"


class Mark(models.Model):
    """One reviewer's judgement of one leaf.

    `value` is the number that scoring reads, in the same unit as the answer's: the verified x of a quantity, a
    score 0–100 for a rubric or a checklist, points for a bonus. `answer_version` is the version that was judged.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "草稿"
        DONE = "done", "已评"
        SET_ASIDE = "set_aside", "暂缓"

    class Confidence(models.IntegerChoices):
        LOW = 1, "把握不大"
        MEDIUM = 2, "比较有把握"
        HIGH = 3, "很有把握"

    assignment = models.ForeignKey(
        ReviewAssignment, on_delete=models.PROTECT, related_name="marks", verbose_name="评审任务"
    )
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", verbose_name="指标")
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.DRAFT)
    value_text = models.CharField("填写的数值", max_length=200, blank=True)
    value = models.FloatField("数值", null=True, blank=True)
    level = models.CharField("等级", max_length=16, blank=True)
    items = models.CharField("认定达到的要点", max_length=400, blank=True)
    accepts_not_applicable = models.BooleanField("同意不适用", default=False)
    reason = models.TextField("评审意见", blank=True)
    confidence = models.PositiveSmallIntegerField("把握程度", choices=Confidence, null=True, blank=True)
    source = models.CharField("认定值的出处", max_length=300, blank=True)
    answer_version = models.PositiveIntegerField("所评内容的版本")
    version = models.PositiveIntegerField("版本", default=0)
    updated_at = models.DateTimeField("更新时间", auto_now=True)
    history = HistoricalRecords(related_name="log", excluded_fields=["updated_at"])
    log: Any  # the versions, oldest first by `version`
    _history_user: Any
    _change_reason: str

    class Meta:
        verbose_name = "评分"
        verbose_name_plural = "评分"
        constraints = [
            models.UniqueConstraint(fields=["assignment", "indicator"], name="mark_one_per_leaf"),
            models.CheckConstraint(
                condition=~Q(status="done")
                | Q(value__isnull=False, accepts_not_applicable=False)
                | Q(value__isnull=True, accepts_not_applicable=True),
                name="mark_done_says_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.assignment} · {self.indicator.code}"

    @property
    def item_list(self) -> list[str]:
        return [item for item in self.items.split(";") if item]


class ReviewerProfile(models.Model):
    """What the assignment of reviewers has to know of a person."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="reviewer_profile",
        verbose_name="评审专家",
    )
    city = models.ForeignKey(
        City, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name="所在城市"
    )
    province_zh = models.CharField("所在省份", max_length=100, blank=True)
    most_cities = models.PositiveSmallIntegerField("最多评审城市数", null=True, blank=True)

    class Meta:
        verbose_name = "评审专家资料"
        verbose_name_plural = "评审专家资料"

    def __str__(self) -> str:
        return str(self.user)


class Recusal(models.Model):
    """A reviewer does not judge a city: a conflict declared beforehand, or a task declined, with the reason."""

    class Kind(models.TextChoices):
        CONFLICT = "conflict", "回避"
        DECLINED = "declined", "谢绝"

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="recusals", verbose_name="轮次")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="recusals", verbose_name="评审专家"
    )
    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+", verbose_name="城市")
    kind = models.CharField("类别", max_length=16, choices=Kind)
    reason = models.TextField("原因")
    at = models.DateTimeField("时间", auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="登记人"
    )

    class Meta:
        verbose_name = "回避"
        verbose_name_plural = "回避"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["round", "reviewer", "city"], name="recusal_one_per_city"),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} · {self.city}"


class Phrase(models.Model):
    """A sentence that a reviewer writes often."""

    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="phrases", verbose_name="评审专家"
    )
    text = models.CharField("常用语", max_length=200)

    class Meta:
        verbose_name = "常用语"
        verbose_name_plural = "常用语"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["reviewer", "text"], name="phrase_once")]

    def __str__(self) -> str:
        return self.text
