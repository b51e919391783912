"""Pictures of reports for the documentation: light, dark, on a phone, enlarged, and as printed.

    python -m benchmarks.screenshots --photographs FOLDER --ten-classes FOLDER [--out docs/images]

The demo's stickers are drawn and scanned; the folders of photographs are scanned as they are. Each report is opened in
a headless Chromium of the distribution, and each picture is a small WebP file named by report and view.
"""

import argparse
import io
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.browser import chromium

_QUALITY = 72
_WIDTH = 1400                                   # pixels of a saved picture at most


@dataclass(frozen=True)
class View:
    """How a report is looked at: `action` is done before the picture is taken."""

    name: str
    width: int = 1400
    height: int = 900
    scheme: str = "light"
    media: str = "screen"
    action: str = ""
    scale: float = 1.0


_ENLARGE = "document.querySelector('.card .enlarge').click()"
_GALLERY = "document.getElementById('tools').scrollIntoView()"
VIEWS = (
    View("light"),
    View("dark", scheme="dark"),
    View("gallery", action=_GALLERY),
    View("gallery-dark", scheme="dark", action=_GALLERY),
    View("phone", width=390, height=844, scale=1.5),
    View("phone-gallery", width=390, height=844, scale=1.5, action=_GALLERY),
    View("enlarged", action=_ENLARGE),
    View("enlarged-phone", width=390, height=844, scale=1.5, action=_ENLARGE),
    View("print", width=703, height=1032, media="print"),                      # A4 within its margins, at 96 dpi
)


def report_of(scratch: Path, data: Path | None) -> Path:
    """Draws and scans the demo, or scans a folder; returns the page. No page shows where on this machine they lie."""
    command = [sys.executable, "-m", "auditor", *(("demo",) if data is None else ("scan", "data"))]
    scratch.mkdir()
    if data is not None:
        (scratch / "data").symlink_to(data.resolve())
    subprocess.run([*command, "--out", "reports"], check=True, cwd=scratch)
    return next(scratch.glob("reports/*/latest/index.html"))


def take(browser: Any, page: Path, view: View) -> bytes:
    """A picture of the report, as WebP."""
    tab = browser.new_page(
        viewport={"width": view.width, "height": view.height}, color_scheme=view.scheme, device_scale_factor=view.scale
    )
    tab.emulate_media(media=view.media)
    tab.goto(page.resolve().as_uri())
    if view.action:
        tab.evaluate(view.action)
    tab.wait_for_timeout(500)                   # pictures are decoded beside the page
    image = Image.open(io.BytesIO(tab.screenshot()))
    tab.close()
    image.thumbnail((_WIDTH, 10 * _WIDTH))
    file = io.BytesIO()
    image.convert("RGB").save(file, "WEBP", quality=_QUALITY, method=6)
    return file.getvalue()


def main() -> None:
    """Reads the command line, scans and takes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, metavar="FOLDER")
    parser.add_argument("--ten-classes", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    arguments = parser.parse_args()
    asked = {"demo": None, "photographs": arguments.photographs, "ten-classes": arguments.ten_classes}
    wanted = {name: data for name, data in asked.items() if data is not None or name == "demo"}
    total = 0
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, data in wanted.items():
            page = report_of(Path(folder) / name, data)
            for view in VIEWS:
                picture = take(browser, page, view)
                (arguments.out / f"{name}-{view.name}.webp").write_bytes(picture)
                total += len(picture)
    print(f"{len(wanted) * len(VIEWS)} pictures of {total / 1e6:.2f} MB in {arguments.out}")


if __name__ == "__main__":
    main()
