"""Which cities there are, their departments, and who works for them."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from cities.codes import validate_code
from indicators.organisations import finds_organisation


class City(models.Model):
    class Level(models.TextChoices):
        MUNICIPALITY = "municipality", "直辖市"
        SUBPROVINCIAL = "subprovincial", "副省级市"
        PREFECTURE = "prefecture", "地级市"
        COUNTY = "county", "县级市"

    class Region(models.TextChoices):
        EAST = "east", "东部"
        CENTRAL = "central", "中部"
        WEST = "west", "西部"
        NORTHEAST = "northeast", "东北"

    code = models.CharField("代码", max_length=64, unique=True, validators=[validate_code])
    adcode = models.CharField("行政区划代码", max_length=6, unique=True, null=True, blank=True)
    name_zh = models.CharField("名称", max_length=100)
    name_en = models.CharField("英文名称", max_length=100, blank=True)
    province_zh = models.CharField("省份", max_length=100, blank=True)
    level = models.CharField("级别", max_length=16, choices=Level, blank=True)
    region = models.CharField("区域", max_length=16, choices=Region, blank=True)
    population = models.DecimalField(
        "常住人口（万人）", max_digits=9, decimal_places=2, null=True, blank=True
    )
    case_title_zh = models.CharField("案例题目", max_length=200, blank=True)
    case_page = models.PositiveIntegerField("案例页码", null=True, blank=True)

    class Meta:
        verbose_name = "城市"
        verbose_name_plural = "城市"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name_zh


class Department(models.Model):
    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="departments", verbose_name="城市")
    name = models.CharField("名称", max_length=100)

    class Meta:
        verbose_name = "部门"
        verbose_name_plural = "部门"
        ordering = ["city", "name"]
        constraints = [models.UniqueConstraint(fields=["city", "name"], name="department_unique")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person may do for a city: the lead submits, an editor fills in."""

    class Role(models.TextChoices):
        LEAD = "lead", "市级牵头"
        EDITOR = "editor", "部门填报员"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name="用户"
    )
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="memberships", verbose_name="城市")
    department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.SET_NULL, verbose_name="部门"
    )
    role = models.CharField("职责", max_length=16, choices=Role, default=Role.EDITOR)

    class Meta:
        verbose_name = "城市成员"
        verbose_name_plural = "城市成员"
        constraints = [models.UniqueConstraint(fields=["user", "city"], name="membership_unique")]

    def __str__(self) -> str:
        return f"{self.user} · {self.city}"


@finds_organisation
def workplace_of(user: Any) -> str:
    """The cities and departments that somebody works for: 甲市教育局; several are joined by 、."""
    places = Membership.objects.filter(user=user).select_related("city", "department").order_by("id")
    return "、".join(f"{place.city}{place.department or ''}" for place in places)


class Invitation(models.Model):
    """A one-time link that makes somebody a member of a city. Only the token's digest is stored."""

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="invitations", verbose_name="城市")
    department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.CASCADE, related_name="+", verbose_name="部门"
    )
    role = models.CharField("职责", max_length=16, choices=Membership.Role, default=Membership.Role.EDITOR)
    display_name = models.CharField("姓名", max_length=64, blank=True)
    email = models.EmailField("邮箱", blank=True)
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField("发出时间", auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="邀请人"
    )
    expires_at = models.DateTimeField("有效期至")
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True)
    used_at = models.DateTimeField("使用时间", null=True, blank=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name="受邀人",
    )  # fmt: skip

    class Meta:
        verbose_name = "邀请"
        verbose_name_plural = "邀请"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at=None, used_by=None) | Q(used_at__isnull=False, used_by__isnull=False),
                name="invitation_used_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.city} · {self.display_name or self.email or self.pk}"
