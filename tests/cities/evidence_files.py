"""Files for the tests of evidence: real ones, since they are opened and drawn."""

import io
import zipfile
from functools import cache

from django.core.files.uploadedfile import SimpleUploadedFile


def pdf(pages: int = 3, *, width: int = 595, name: str = "年度报告.pdf") -> SimpleUploadedFile:
    """A PDF of empty pages, the same bytes each time."""
    return SimpleUploadedFile(name, _pdf(pages, width), "application/pdf")


@cache  # the library gives every document an id of its own
def _pdf(pages: int, width: int) -> bytes:
    import pypdfium2

    document = pypdfium2.PdfDocument.new()
    for _page in range(pages):
        document.new_page(width, 842)
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


def photo(
    size: tuple[int, int] = (400, 200), *, orientation: int = 1, name: str = "现场.jpg"
) -> SimpleUploadedFile:
    from PIL import Image

    picture = Image.new("RGB", size, "navy")
    exif = picture.getexif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    return SimpleUploadedFile(name, buffer.getvalue(), "image/jpeg")


def archive(members: dict[str, bytes], *, encoding: str = "", name: str = "材料.zip") -> SimpleUploadedFile:
    """A ZIP; with an `encoding` its names are written as a program does that does not say which one it uses."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for path, content in members.items():
            made.writestr(
                Unsaid(path, encoding) if encoding else zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED
            )
    return SimpleUploadedFile(name, buffer.getvalue(), "application/zip")


class Unsaid(zipfile.ZipInfo):
    """A member whose name is bytes of some encoding, without the mark that it is UTF-8."""

    def __init__(self, path: str, encoding: str) -> None:
        super().__init__(path)
        self._bytes = path.encode(encoding)

    def _encodeFilenameFlags(self):  # noqa: N802 — the name in the standard library
        return self._bytes, self.flag_bits & ~0x800
