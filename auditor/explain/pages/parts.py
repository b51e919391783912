"""What the page of an image and the page of a folder share."""

from dataclasses import dataclass

from auditor.explain.gallery import Drawn
from auditor.explain.model import Model
from auditor.explain.pictures import jpeg
from auditor.report.shared.assets import data_uri
from auditor.report.shared.html import STYLE
from auditor.text import visible

STYLES = (STYLE, "explain.css")


@dataclass(frozen=True)
class CaptionedPicture:
    """A picture as a data URI, and the PNG file beside the page with the full picture."""

    source: str
    width: int
    height: int
    alt: str
    caption: str
    file: str = ""


def figure_of(drawn: Drawn, alt: str, caption: str) -> CaptionedPicture:
    """A drawn picture in the form that a page shows."""
    height, width = drawn.pixels.shape[:2]
    return CaptionedPicture(data_uri(jpeg(drawn.pixels)), width, height, alt, caption, drawn.file)


def model_parts(model: Model) -> tuple[str, ...]:
    """Name, backend, device and the beginning of the hash: the line at the top."""
    backend = model.backend
    parts = (backend.card.name, backend.kind, backend.device, backend.sha256[:12])
    return tuple(visible(part) for part in parts if part)
