"""A workbook that an administrator has uploaded and not yet imported."""

from django.conf import settings
from django.db import models

from indicators.models.framework import Framework


class PendingImport(models.Model):
    """The uploaded file and what its owner chose for it, until confirmed, cancelled or a day old.

    `framework` is what it became: the row stays so that a second click finds it, the bytes go.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name="上传人"
    )
    uploaded_at = models.DateTimeField("上传时间", auto_now_add=True, db_index=True)
    filename = models.CharField("文件名", max_length=255)
    content = models.BinaryField("内容")
    choices = models.JSONField("选择", default=dict, blank=True)
    framework = models.ForeignKey(
        Framework, null=True, blank=True, on_delete=models.CASCADE, related_name="+", verbose_name="指标体系"
    )

    class Meta:
        verbose_name = "待确认的导入"
        verbose_name_plural = "待确认的导入"
        ordering = ["-uploaded_at", "-id"]

    def __str__(self) -> str:
        return self.filename

    @property
    def is_done(self) -> bool:
        return self.framework_id is not None
