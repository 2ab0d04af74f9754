"""Once a day: remind of deadlines that are near, and e-mail each person what is unread."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.digests import Outcome, send_digests


class Command(BaseCommand):
    help = "每日邮件摘要：生成截止提醒，并把未读通知合并为每人每天至多一封邮件。请每天定时运行一次。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="只显示将要发送的邮件，不发送，不写入")

    def handle(self, *_args: Any, dry_run: bool = False, **_options: Any) -> None:
        outcome = send_digests(dry_run=dry_run)
        if dry_run:
            self._show(outcome)
            return
        self.stdout.write(f"已发送 {len(outcome.sent)} 封，今天已收过的 {len(outcome.already_today)} 人。")
        if outcome.failed:
            lines = "\n".join(
                f"{user.get_username()} 发送失败，明天再试：{why}" for user, why in outcome.failed
            )
            raise CommandError(lines)

    def _show(self, outcome: Outcome) -> None:
        for user, text in outcome.texts:
            self.stdout.write(f"—— {user.get_username()} <{user.email}>\n{text}\n")
        self.stdout.write(f"将发送 {len(outcome.texts)} 封（试运行，未发送）。")
