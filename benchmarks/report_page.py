"""What the report of 20,000 images with 3,000 findings weighs, and how fast a browser shows and filters it.

    python -m benchmarks.report_page [--data FOLDER] [--images 20000] [--findings 3000] [--max-size 3 100]

An audit of that size is made from the scan of a folder, or of the demo's stickers: its findings and their pictures are
repeated under other names. Its pages are written once for each `--max-size` (megabytes): with the default the cards go
to several pages, with a large one all are on the first. Then a headless Chromium opens the first page, filters, sorts,
and says what memory its tab takes. Filters are timed from the choice to the end of layout, and to the next frame.
"""

import argparse
import hashlib
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

import auditor
from auditor.audit import Audit, Evidence, Finding
from auditor.demo.run import run_demo
from auditor.progress import Progress
from auditor.report.audit import write_html
from benchmarks.browser import chromium

_REPEATS = 3
_PATIENCE = 120_000                             # milliseconds; a page of 3,000 cards may need a minute
_STEPS = (("label", "cat"), ("label", ""), ("severity", "high"), ("severity", ""), ("q", "1"), ("q", ""))
_SORTS = ("file", "confidence", "place")

_TIMED = """async ([name, value]) => {
  const control = document.querySelector(`#tools [name=${name}]`);
  const start = performance.now();
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.getBoundingClientRect();
  const laidOut = performance.now() - start;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [laidOut, performance.now() - start];
}"""
_FIRST_VIEW = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
_READY = "() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def large_audit(small: Audit, images: int, findings: int) -> Audit:
    """The record of a scan in which so many images out of so many have a finding with pictures."""
    flagged = [finding for finding in small.findings if finding.file in small.evidence]
    made, evidence = [], {}
    for number in range(findings):
        finding = _numbered(flagged[number % len(flagged)], number)
        made.append(finding)
        evidence[str(finding.file)] = _numbered_evidence(small.evidence, flagged[number % len(flagged)], number)
    table = pd.concat([small.predictions] * -(-images // len(small.predictions)), ignore_index=True)[:images]
    table = table.assign(file=[_name(row) for row in range(images)])
    rank = {finding.file: place for place, finding in enumerate(made, 1)}
    return replace(
        small,
        classes={name: images // len(small.classes) for name in small.classes},
        outcomes={"ok": images, "failed": 0, "skipped": 0},
        predictions=table.assign(review_rank=pd.array([rank.get(file) for file in table["file"]], dtype="Int64")),
        findings=tuple(made),
        evidence=evidence,
        copies={},
    )


def _name(number: int) -> str:
    return f"images/{number:06}.jpg"


def _numbered(finding: Finding, number: int) -> Finding:
    identity = hashlib.sha256(str(number).encode()).hexdigest()[:16]
    return replace(finding, id=identity, file=_name(number), related=(), related_values=())


def _numbered_evidence(evidence: Mapping[str, Evidence], finding: Finding, number: int) -> Evidence:
    """With a picture that no browser takes for one it has decoded: bytes after the end of a WebP are not looked at."""
    of_file = evidence[str(finding.file)]
    content = hashlib.sha256(f"content {number}".encode()).hexdigest()
    return replace(of_file, content=content, thumbnail=of_file.thumbnail + number.to_bytes(4, "big"))


def _times(page: Any, steps: Iterable[tuple[str, str]]) -> tuple[float, float, float]:
    """Milliseconds: median to layout, the slowest to layout, and the median to the next frame."""
    taken = [page.evaluate(_TIMED, step) for step in steps]
    laid_out, painted = zip(*taken, strict=True)
    return statistics.median(laid_out), max(laid_out), statistics.median(painted)


def measure(address: str) -> None:
    """Opens the page and prints what it costs."""
    with chromium("--enable-precise-memory-info") as browser:
        first, ready = [], []
        for _ in range(_REPEATS):
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(address, timeout=_PATIENCE)
            first.append(page.evaluate(_FIRST_VIEW))
            ready.append(page.evaluate(_READY))
            if len(first) < _REPEATS:
                page.close()
        page.wait_for_timeout(1000)
        filters = _times(page, _STEPS * _REPEATS)
        sorts = _times(page, (("sort", name) for _ in range(_REPEATS) for name in _SORTS))
        print(f"    first view {statistics.median(first):.0f} ms, all read {statistics.median(ready):.0f} ms")
        for name, (middle, slowest, painted) in (("filter", filters), ("sort", sorts)):
            print(f"    {name} {middle:.0f} ms (slowest {slowest:.0f} ms), shown after {painted:.0f} ms")
        heap = page.evaluate("() => performance.memory.usedJSHeapSize") / 1e6
        print(f"    memory of the tab: {_resident(browser) / 1e6:.0f} MB, {heap:.0f} MB of it the script's heap")


def _resident(browser: Any) -> int:
    """Bytes that the largest process of the browser that draws pages holds in memory."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    tabs = [Path(f"/proc/{each['id']}/statm") for each in processes if each["type"] == "renderer"]
    return max(int(path.read_text().split()[1]) * 4096 for path in tabs)


def main() -> None:
    """Reads the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--findings", type=int, default=3_000)
    parser.add_argument("--max-size", type=float, nargs="+", default=[3.0, 100.0], metavar="MB")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.data is None:
            small, _ = run_demo(Path(folder), None, Progress())
        else:
            small = auditor.scan(arguments.data, max_cards=arguments.findings)
    audit = large_audit(small, arguments.images, arguments.findings)
    print(f"auditor {auditor.__version__}: {arguments.images:,} images, {len(audit.findings):,} findings")
    for size in arguments.max_size:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            page = write_html(audit, Path(folder), max_bytes=round(size * 1e6))
            seconds = time.perf_counter() - start
            sizes = sorted((path.stat().st_size for path in Path(folder).glob("*.html")), reverse=True)
            largest = ", ".join(f"{each / 1e6:.2f}" for each in islice(sizes, 5))
            print(f"  --max-size {size:g}: {len(sizes)} pages of {largest} MB, written in {seconds:.1f} s")
            measure(page.as_uri())


if __name__ == "__main__":
    main()
