"""The one way a view gets an object: load it and check the right to it in the same call."""

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

M = TypeVar("M", bound=Model)


def load_for(user: Any, queryset: QuerySet[M], *, see: str, do: str | None = None, **lookup: Any) -> M:
    """The object that `lookup` names, if `user` may `see` it; who sees it but may not `do` gets 403.

    Raises:
        Http404: no such object, or an outsider asks: the two look the same from outside.
        PermissionDenied: a reader asks for what only others may do.
    """
    obj = get_object_or_404(queryset, **lookup)
    if not user.has_perm(see, obj):
        raise Http404
    if do is not None and not user.has_perm(do, obj):
        raise PermissionDenied
    return obj
