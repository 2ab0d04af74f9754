"""The sentences that a reviewer keeps for use in reasons."""

from django.db import transaction

from accounts.models import User
from cities.actions import ActionRefused
from scoring.models import Phrase

MOST = 50
LONGEST = 200


@transaction.atomic
def add_phrase(*, reviewer: User, text: str) -> Phrase:
    """Keep a sentence. The same one again changes nothing.

    Raises:
        ActionRefused: empty, too long, or there are too many already.
    """
    text = " ".join(text.split())
    if not text:
        raise ActionRefused("请填写常用语。")
    if len(text) > LONGEST:
        raise ActionRefused(f"常用语最多 {LONGEST} 字，已超出 {len(text) - LONGEST} 字，请删减。")
    locked = User.objects.select_for_update(of=("self",)).get(pk=reviewer.pk)
    found = Phrase.objects.filter(reviewer=locked, text=text).first()
    if found is not None:
        return found
    if Phrase.objects.filter(reviewer=locked).count() >= MOST:
        raise ActionRefused(f"最多保存 {MOST} 条常用语，请先删除不用的。")
    return Phrase.objects.create(reviewer=locked, text=text)


@transaction.atomic
def remove_phrase(*, phrase: Phrase) -> None:
    """Drop a sentence; doing it twice changes nothing."""
    Phrase.objects.filter(pk=phrase.pk).delete()
