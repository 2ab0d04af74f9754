"""Files that change many answers at once: checked, confirmed, and taken back if need be."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cities.models.submissions import Submission


class BulkUpload(models.Model):
    """A workbook or a ZIP that waits for its confirmation; afterwards the record of what it changed.

    The file lies under MEDIA_ROOT until the upload is decided.
    """

    class Kind(models.TextChoices):
        WORKBOOK = "workbook", "填报表"
        FILES = "files", "佐证材料压缩包"

    class Status(models.TextChoices):
        PENDING = "pending", "待确认"
        CONFIRMED = "confirmed", "已导入"
        UNDONE = "undone", "已撤销"
        DROPPED = "dropped", "已放弃"

    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="uploads", verbose_name="填报"
    )
    kind = models.CharField("类别", max_length=16, choices=Kind)
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.PENDING)
    filename = models.CharField("文件名", max_length=255)
    stored_as = models.CharField("存放位置", max_length=200, blank=True)
    plan = models.JSONField("检查结果", default=dict)
    changes = models.JSONField("所作修改", default=list)
    at = models.DateTimeField("上传时间", auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="上传人"
    )
    decided_at = models.DateTimeField("处理时间", null=True, blank=True)
    undone_at = models.DateTimeField("撤销时间", null=True, blank=True)

    class Meta:
        verbose_name = "批量上传"
        verbose_name_plural = "批量上传"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="pending", decided_at=None)
                | (~Q(status="pending") & Q(decided_at__isnull=False)),
                name="bulk_upload_decided_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · {self.filename}"
