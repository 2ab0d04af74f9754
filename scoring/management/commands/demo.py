"""Load the demonstration round and say who can sign in."""

from typing import Any

from django.conf import settings

from indicators.console import OneLineCommand, fail
from scoring import demonstration


class Command(OneLineCommand):
    help = "载入演示轮次：参考稿、十六个城市、自动生成的填报与评审（处处标明“演示数据”）。重复运行不作改动。"

    def handle(self, **_options: Any) -> None:
        if settings.HTTPS:
            fail(
                self,
                ["演示账号的密码是公开的，不能载入到对外服务的系统（ALLOWED_HOSTS 含本机以外的主机名）。"],
            )
        if demonstration.is_loaded():
            self.stdout.write("演示轮次已在，未作改动。")
        else:
            round_ = demonstration.load(say=self.stdout.write)
            self.stdout.write(
                f"已载入演示轮次“{round_.name}”。全部为自动生成的演示数据，不代表任何城市的真实情况。"
            )
        self.stdout.write("")
        self.stdout.write("演示账号（密码均为 " + demonstration.PASSWORD + "）：")
        for username, what in (
            ("admin", "管理员：轮次、进度、结果、导出"),
            ("moderator", "评审组长：分歧、裁定、申诉"),
            ("reviewer1", "评审专家（reviewer1—reviewer6）"),
            ("karamay", "克拉玛依市牵头：填报中，可继续填报并提交"),
            ("karamay-edu", "克拉玛依市教育局：部门填报员"),
            ("beijing", "北京市牵头：已提交（其余城市同理，用户名为城市拼音）"),
        ):
            self.stdout.write(f"  {username:<12} {what}")
