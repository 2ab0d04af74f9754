"""Results that were computed, kept with everything that went in."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cities.models import Round, Submission


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
    provisional_at = models.DateTimeField("送城市确认时间", null=True, blank=True)
    finalised_at = models.DateTimeField("定稿时间", null=True, blank=True)
    finalised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name="定稿人",
    )  # fmt: skip
    erratum = models.TextField("更正说明", blank=True)
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
