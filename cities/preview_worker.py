"""Draws one page of a file as a PNG, in a process of its own: the files come from strangers.

Knows neither Django nor the database. Arguments: source, target, kind (pdf or image), page (from 1), width in pixels.
Prints the number of pages. Leaves with 3 where the file cannot be read, with 4 where there is no such page.
"""

import sys
from typing import Any

MEMORY = 1536 * 1024 * 1024  # bytes of address space
SECONDS = 15  # of the processor
PIXELS = 12_000_000  # of a drawn page; a very long one is drawn smaller
HEIGHT = 6000  # of a drawn page
SOURCE_PIXELS = 120_000_000  # of a picture
UNREADABLE, NO_PAGE = 3, 4


def _limit() -> None:
    try:
        import resource  # noqa: PLC0415 — not everywhere
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _fitted(width: float, height: float, wanted: int) -> float:
    """The scale that makes a page as wide as wanted without too many pixels."""
    scale = wanted / max(width, 1.0)
    most = (PIXELS / max(width * height, 1.0)) ** 0.5
    return min(scale, most, HEIGHT / max(height, 1.0))


def _pdf(source: str, page: int, width: int) -> tuple[Any, int]:
    import pypdfium2  # noqa: PLC0415 — heavy

    with pypdfium2.PdfDocument(source) as document:
        pages = len(document)
        if not 1 <= page <= pages:
            return None, pages
        one = document[page - 1]
        wide, high = one.get_size()
        scale = _fitted(wide, high, width)
        return one.render(scale=scale).to_pil().convert("RGB"), pages


def _image(source: str, width: int) -> tuple[Any, int]:
    from PIL import Image, ImageOps  # noqa: PLC0415 — heavy

    Image.MAX_IMAGE_PIXELS = SOURCE_PIXELS // 2  # twice of it is refused
    with Image.open(source, formats=["JPEG", "PNG"]) as picture:
        picture.draft("RGB", (width * 2, width * 2))  # a large photograph is read small at once
        turned = ImageOps.exif_transpose(picture)
        scale = min(1.0, _fitted(*turned.size, width))
        size = max(1, round(turned.width * scale)), max(1, round(turned.height * scale))
        flat = (
            turned.convert("RGBA")
            if "A" in turned.getbands() or "transparency" in turned.info
            else turned.convert("RGB")
        )
        drawn = flat.resize(size)
    if drawn.mode == "RGBA":
        paper = Image.new("RGB", drawn.size, "white")
        paper.paste(drawn, mask=drawn.getchannel("A"))
        drawn = paper
    return drawn, 1


def main(source: str, target: str, kind: str, page: int, width: int) -> int:
    _limit()
    try:
        drawn, pages = _pdf(source, page, width) if kind == "pdf" else _image(source, width)
        if drawn is not None:
            drawn.save(target, "PNG")
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}\n")
        return UNREADABLE
    sys.stdout.write(f"{pages}\n")
    return 0 if drawn is not None and (kind == "pdf" or page == 1) else NO_PAGE


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4], *map(int, sys.argv[4:6])))  # type: ignore[arg-type]
