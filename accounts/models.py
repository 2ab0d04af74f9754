"""Who somebody is, and what was decided by whom."""

from typing import Any

import rules
from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    class Role(models.TextChoices):
        CITY = "city", "城市工作人员"
        REVIEWER = "reviewer", "评审专家"
        MODERATOR = "moderator", "评审组长"
        ADMINISTRATOR = "administrator", "管理员"

    display_name = models.CharField("姓名", max_length=64)
    role = models.CharField("角色", max_length=16, choices=Role, default=Role.CITY)

    wants_digest = models.BooleanField("接收每日邮件摘要", default=True)
    digest_on = models.DateField("最近一次邮件摘要", null=True, blank=True)

    class Meta(AbstractUser.Meta):
        verbose_name = "用户"
        verbose_name_plural = "用户"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=["city", "reviewer", "moderator", "administrator"]),
                name="user_role_known",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.username

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Administrators keep all records; nobody, not even a superuser, skips an object's rules, such as its phase."""
        if obj is None:
            return self.is_administrator or super().has_perm(perm)
        return self.is_active and rules.has_perm(perm, self, obj)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_administrator or super().has_module_perms(app_label)

    @property
    def is_administrator(self) -> bool:
        return self.is_active and (self.role == self.Role.ADMINISTRATOR or self.is_superuser)

    @property
    def is_reviewer(self) -> bool:
        return self.is_active and self.role in (self.Role.REVIEWER, self.Role.MODERATOR)


class AuditEntry(models.Model):
    """One decision. Append-only: the database refuses to change or delete a row (see `guards`)."""

    at = models.DateTimeField("时间", auto_now_add=True, db_index=True)
    actor = models.ForeignKey(
        User, verbose_name="操作人", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField("操作", max_length=64, db_index=True)
    target = models.CharField("对象", max_length=200)
    detail = models.JSONField("详情", default=dict, blank=True)

    class Meta:
        verbose_name = "审计记录"
        verbose_name_plural = "审计记录"
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"


class Notice(models.Model):
    """Something a person should know, shown in the app and told in one e-mail digest a day at most.

    `key` says what it is about: the same thing is not told twice.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices", verbose_name="收件人")
    kind = models.CharField("类别", max_length=32)
    text = models.CharField("内容", max_length=300)
    url = models.CharField("链接", max_length=300, blank=True)
    key = models.CharField("事由", max_length=200)
    at = models.DateTimeField("时间", auto_now_add=True)
    read_at = models.DateTimeField("阅读时间", null=True, blank=True)
    mailed_at = models.DateTimeField("邮件时间", null=True, blank=True)

    class Meta:
        verbose_name = "通知"
        verbose_name_plural = "通知"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notice_told_once")]

    def __str__(self) -> str:
        return self.text
