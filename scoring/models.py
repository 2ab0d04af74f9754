"""What reviewers judged, and the results that were computed from it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from cities.models import Round, Submission
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
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.ASSIGNED)
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


class ResultSnapshot(models.Model):
    """A computed result: everything that went in, under one digest, and what came out (`NodeScore`)."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="snapshots", verbose_name="轮次")
    created_at = models.DateTimeField("计算时间", auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="计算人",
    )
    reason = models.CharField("原因", max_length=200, blank=True)
    engine_version = models.CharField("引擎版本", max_length=16)
    seed = models.BigIntegerField("随机种子")
    draws = models.PositiveIntegerField("模拟次数")
    method = models.JSONField("方法")
    inputs = models.BinaryField("输入（压缩的规范 JSON）")
    robustness = models.JSONField("稳健性", null=True, blank=True, default=None)
    digest = models.CharField("摘要", max_length=64)
    published_at = models.DateTimeField("公布时间", null=True, blank=True)

    class Meta:
        verbose_name = "结果快照"
        verbose_name_plural = "结果快照"
        ordering = ["-id"]
        get_latest_by = "id"

    def __str__(self) -> str:
        return f"{self.round} #{self.pk}"


class NodeScore(models.Model):
    """One city's result at one node of the tree; the total is the node TOTAL. Empty means none, never 0."""

    class State(models.TextChoices):
        VALUE = "value", "已评"
        BLANK = "blank", "未填"
        UNAVAILABLE = "unavailable", "无法提供"
        NOT_APPLICABLE = "not_applicable", "不适用"
        NOT_ASSESSED = "not_assessed", "未评"
        EXCLUDED = "excluded", "不计入"

    TOTAL = "TOTAL"

    snapshot = models.ForeignKey(
        ResultSnapshot, on_delete=models.CASCADE, related_name="node_scores", verbose_name="快照"
    )
    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="+", verbose_name="填报"
    )
    node_code = models.CharField("节点", max_length=64)
    state = models.CharField("状态", max_length=16, choices=State)
    self_score = models.FloatField("自评分", null=True)
    score = models.FloatField("得分", null=True)
    effective_weight = models.FloatField("有效权重", null=True)
    points = models.FloatField("得分值", null=True)
    points_lost = models.FloatField("失分", null=True)
    rank = models.PositiveIntegerField("名次", null=True)
    rank_low = models.PositiveIntegerField("名次区间下限", null=True)
    rank_high = models.PositiveIntegerField("名次区间上限", null=True)

    class Meta:
        verbose_name = "节点得分"
        verbose_name_plural = "节点得分"
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "node_code", "submission"], name="node_score_unique"),
            models.CheckConstraint(
                condition=~Q(state="not_assessed") | Q(score=None, rank=None),
                name="not_assessed_is_never_a_number",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} {self.node_code}"


class Provisional(models.Model):
    """A city's score while its review is under way, refreshed by every mark. Only administrators see it.

    `total` is there when nothing is missing; `partial` is the score of what has been assessed so far. `scores` holds
    the nodes that are complete, by code; `across` the leaves that only the whole round can score.
    """

    submission = models.OneToOneField(
        Submission, on_delete=models.CASCADE, related_name="provisional", verbose_name="填报"
    )
    total = models.FloatField("暂计总分", null=True)
    partial = models.FloatField("已评部分得分", null=True)
    assessed = models.PositiveIntegerField("已评指标数", default=0)
    leaves = models.PositiveIntegerField("指标数", default=0)
    scores = models.JSONField("各节点暂计得分", default=dict)
    across = models.JSONField("待全轮计算的指标", default=list)
    updated_at = models.DateTimeField("更新时间")

    class Meta:
        verbose_name = "暂计得分"
        verbose_name_plural = "暂计得分"

    def __str__(self) -> str:
        return f"{self.submission} 暂计"


class ComputeJob(models.Model):
    """A whole round's computation that waits for, or is done by, `manage.py run_jobs`."""

    class Status(models.TextChoices):
        WAITING = "waiting", "排队中"
        RUNNING = "running", "计算中"
        DONE = "done", "已完成"
        FAILED = "failed", "失败"

    OPEN = (Status.WAITING, Status.RUNNING)

    round = models.ForeignKey(
        Round, on_delete=models.CASCADE, related_name="compute_jobs", verbose_name="轮次"
    )
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.WAITING)
    seed = models.BigIntegerField("随机种子", default=1)
    draws = models.PositiveIntegerField("模拟次数", default=1000)
    reason = models.CharField("原因", max_length=200, blank=True)
    step = models.CharField("步骤", max_length=64, blank=True)
    done = models.PositiveSmallIntegerField("进度（百分比）", default=0)
    error = models.TextField("错误", blank=True)
    snapshot = models.ForeignKey(
        ResultSnapshot,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="快照",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name="提交人",
    )  # fmt: skip
    created_at = models.DateTimeField("提交时间", auto_now_add=True)
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    beat_at = models.DateTimeField("最近进展", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        verbose_name = "计算任务"
        verbose_name_plural = "计算任务"
        ordering = ["-id"]
        constraints = [
            # two clicks, one job
            models.UniqueConstraint(
                fields=["round"],
                condition=Q(status__in=["waiting", "running"]),
                name="compute_job_one_open_per_round",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round} #{self.pk}"
