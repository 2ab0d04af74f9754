"""The preview of an import in the back office: what goes and what comes, without the inline styles of the original."""

from typing import Any

from django.utils.encoding import force_str
from django.utils.html import format_html, format_html_join
from import_export.resources import Diff, ModelResource

_TAGS = {-1: "del", 0: "span", 1: "ins"}


class PlainDiff(Diff):  # type: ignore[misc]
    """As import-export's; the content security policy refuses style attributes, and its stylesheet has the colours."""

    def as_html(self) -> list[Any]:
        from diff_match_patch import diff_match_patch  # noqa: PLC0415

        machine = diff_match_patch()
        cells = []
        for before, after in zip(self.left, self.right, strict=True):
            known = "" if before != after and self.new else force_str(before)
            parts = machine.diff_main(known, force_str(after))
            machine.diff_cleanupSemantic(parts)
            cells.append(
                format_html_join(
                    "",
                    "{}",
                    [(format_html(f"<{_TAGS[kind]}>{{}}</{_TAGS[kind]}>", text),) for kind, text in parts],
                )
            )
        return cells


class BackOfficeResource(ModelResource):  # type: ignore[misc]
    """What the records of all rooms share when they are imported and exported."""

    class Meta:
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True

    def get_diff_class(self) -> type[Diff]:
        return PlainDiff
