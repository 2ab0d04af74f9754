"""Choosing weights together: pairwise comparisons by several experts, and what was adopted when by whom."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from indicators.models.framework import Framework

STEPS = [1, *range(2, 10), *range(-9, -1)]


class WeightingExercise(models.Model):
    """One AHP exercise on a draft: which groups, which experts. The groups are kept as they were when it opened."""

    framework = models.ForeignKey(
        Framework, on_delete=models.CASCADE, related_name="weighting_exercises", verbose_name="指标体系"
    )
    note = models.TextField("说明", blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="发起人",
    )
    opened_at = models.DateTimeField("发起时间", auto_now_add=True)
    closed_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        verbose_name = "层次分析"
        verbose_name_plural = "层次分析"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.framework} · 层次分析 {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class WeightingGroup(models.Model):
    """The siblings to compare: `code` is their parent's, TOTAL for the dimensions; `members` are [code, name]."""

    exercise = models.ForeignKey(
        WeightingExercise, on_delete=models.CASCADE, related_name="groups", verbose_name="层次分析"
    )
    position = models.PositiveSmallIntegerField("次序")
    code = models.CharField("上级编号", max_length=64)
    name = models.CharField("名称", max_length=200)
    members = models.JSONField("同级指标")

    class Meta:
        verbose_name = "同级指标组"
        verbose_name_plural = "同级指标组"
        ordering = ["exercise", "position"]
        constraints = [models.UniqueConstraint(fields=["exercise", "code"], name="weighting_group_once")]

    def __str__(self) -> str:
        return f"{self.exercise} · {self.code}"

    @property
    def codes(self) -> list[str]:
        return [code for code, _name in self.members]


class WeightingSheet(models.Model):
    """One expert's judgements of one group. Others' stay hidden from the expert until it is finished."""

    group = models.ForeignKey(
        WeightingGroup, on_delete=models.CASCADE, related_name="sheets", verbose_name="同级指标组"
    )
    expert = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="weighting_sheets",
        verbose_name="专家",
    )
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        verbose_name = "两两比较表"
        verbose_name_plural = "两两比较表"
        ordering = ["group", "id"]
        constraints = [
            models.UniqueConstraint(fields=["group", "expert"], name="weighting_sheet_one_per_expert")
        ]

    def __str__(self) -> str:
        return f"{self.group} · {self.expert}"

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None


class PairwiseJudgement(models.Model):
    """`step` on the scale 1–9: 2…9 says that `first` is so many times as important, −2…−9 that `second` is."""

    sheet = models.ForeignKey(
        WeightingSheet, on_delete=models.CASCADE, related_name="judgements", verbose_name="两两比较表"
    )
    first = models.CharField("指标甲", max_length=64)
    second = models.CharField("指标乙", max_length=64)
    step = models.SmallIntegerField("判断")

    class Meta:
        verbose_name = "两两比较"
        verbose_name_plural = "两两比较"
        constraints = [
            models.UniqueConstraint(fields=["sheet", "first", "second"], name="pairwise_judgement_once"),
            models.CheckConstraint(condition=Q(step__in=STEPS), name="pairwise_judgement_on_the_scale"),
        ]

    def __str__(self) -> str:
        return f"{self.first} : {self.second} = {self.step}"


class WeightAdoption(models.Model):
    """A proposal that became the weights of one group of a draft."""

    class Method(models.TextChoices):
        EQUAL = "equal", "等权"
        GIVEN = "given", "指定"
        AHP = "ahp", "层次分析法（AHP）"
        ENTROPY = "entropy", "熵值法"
        CRITIC = "critic", "CRITIC 法"
        PCA = "pca", "主成分法"

    framework = models.ForeignKey(
        Framework, on_delete=models.CASCADE, related_name="weight_adoptions", verbose_name="指标体系"
    )
    group_code = models.CharField("上级编号", max_length=64)
    group_name = models.CharField("名称", max_length=200)
    method = models.CharField("方法", max_length=16, choices=Method)
    ratio = models.FloatField("一致性比例", null=True, blank=True)
    detail = models.JSONField("详情", default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="采用人",
    )
    at = models.DateTimeField("采用时间", auto_now_add=True)

    class Meta:
        verbose_name = "权重采用记录"
        verbose_name_plural = "权重采用记录"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.framework} {self.group_code} {self.get_method_display()}"
