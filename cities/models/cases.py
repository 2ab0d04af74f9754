"""A city's case: what it tells about itself besides the indicators."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from cities.models.answers import Answer
from cities.models.evidence import EvidenceFile
from cities.models.places import Department
from cities.models.submissions import Submission


class CaseSection(models.Model):
    """One part of a submission's case, versioned like an answer. The title is a part as well."""

    class Key(models.TextChoices):
        TITLE = "title", "案例题目"
        BACKGROUND = "background", "背景"
        PRACTICE = "practice", "主要做法"
        RESULTS = "results", "成效"
        LESSONS = "lessons", "经验与启示"
        OUTLOOK = "outlook", "展望"

    Status = Answer.Status

    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="case_sections", verbose_name="填报"
    )
    key = models.CharField("部分", max_length=16, choices=Key)
    text = models.TextField("内容", blank=True)
    status = models.CharField("状态", max_length=16, choices=Answer.Status, default=Answer.Status.EMPTY)
    lead_department = models.ForeignKey(
        Department,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="牵头单位",
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        verbose_name="责任人",
    )  # fmt: skip
    due_on = models.DateField("内部截止日期", null=True, blank=True)
    version = models.PositiveIntegerField("版本", default=0)
    updated_at = models.DateTimeField("更新时间", null=True, blank=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        verbose_name="更新人",
    )  # fmt: skip
    history = HistoricalRecords(
        related_name="log",
        excluded_fields=["updated_at", "updated_by", "lead_department", "person", "due_on"],
    )
    log: Any  # the versions, oldest first by `version`
    _history_user: Any
    _change_reason: str

    class Meta:
        verbose_name = "城市案例"
        verbose_name_plural = "城市案例"
        constraints = [
            models.UniqueConstraint(fields=["submission", "key"], name="case_section_one_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · {self.get_key_display()}"


class CasePicture(models.Model):
    """A picture of the case with its caption; the record survives deletion."""

    section = models.ForeignKey(
        CaseSection, on_delete=models.CASCADE, related_name="pictures", verbose_name="部分"
    )
    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="+", verbose_name="文件")
    filename = models.CharField("文件名", max_length=255)
    caption = models.CharField("图注", max_length=200)
    position = models.PositiveSmallIntegerField("次序", default=0)
    added_at = models.DateTimeField("上传时间", auto_now_add=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="上传人"
    )
    deleted_at = models.DateTimeField("删除时间", null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name="删除人",
    )  # fmt: skip

    class Meta:
        verbose_name = "案例图片"
        verbose_name_plural = "案例图片"
        ordering = ["section", "position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(deleted_at=None, deleted_by=None)
                | Q(deleted_at__isnull=False, deleted_by__isnull=False),
                name="case_picture_deleted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.caption
