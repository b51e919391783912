"""Why bytes are not read as an image: the error, and what the bytes are instead."""

import re
from typing import NamedTuple

from auditor.images.formats import FORMATS
from auditor.text import visible

UNREAD = "an image format that is not read"


class Unreadable(ValueError):
    """The bytes are not a complete, valid image; the text is the reason, ready for a report."""


class NoMemoryLeft(Unreadable):
    """There was not enough memory, which says nothing about the bytes."""


class Signature(NamedTuple):
    """Bytes by which a kind of file is recognised.

    Attributes:
        name: What the file is, for a sentence.
        first: The bytes.
        at: Where they are.
    """

    name: str
    first: bytes
    at: int = 0


#: Image formats that the decoder does not read.
_IMAGES = (
    Signature("DICOM", b"DICM", 128),
    Signature("camera raw, CR2", b"CR\x02", 8),
    Signature("camera raw, CR3", b"ftypcrx ", 4),
    Signature("camera raw, CRW", b"HEAPCCDR", 6),
    Signature("camera raw, RAF", b"FUJIFILMCCD-RAW"),
    Signature("camera raw, ORF", b"IIRO"),
    Signature("camera raw, ORF", b"IIRS"),
    Signature("camera raw, ORF", b"MMOR"),
    Signature("camera raw, RW2", b"IIU\0"),
    Signature("camera raw, MRW", b"\0MRM"),
    Signature("camera raw, X3F", b"FOVb"),
    Signature("Photoshop, PSD", b"8BPS"),
    Signature("JPEG XL", b"\xff\x0a"),
    Signature("JPEG XL", b"\0\0\0\x0cJXL "),
    Signature("JPEG XR", b"II\xbc\x01"),
    Signature("Windows icon, ICO", b"\0\0\1\0"),
    Signature("Apple icon, ICNS", b"icns"),
    Signature("EPS or PostScript", b"%!PS"),
    Signature("OpenEXR", b"v/1\x01"),
    Signature("Radiance HDR", b"#?RADIANCE"),
    Signature("DirectDraw, DDS", b"DDS "),
    Signature("GIMP, XCF", b"gimp xcf"),
    Signature("QOI", b"qoif"),
    Signature("BPG", b"BPG\xfb"),
    Signature("PAM", b"P7\n"),
    Signature("colour PFM", b"PF\n"),
    Signature("FITS", b"SIMPLE  ="),
    Signature("NIfTI", b"n+1\0", 344),
    Signature("TGA", b"TRUEVISION-XFILE", -18),
)

#: Files that are something else.
_OTHERS = (
    Signature("a PDF", b"%PDF"),
    Signature("a zip archive", b"PK\x03\x04"),
    Signature("a gzip archive", b"\x1f\x8b\x08"),
    Signature("a 7-Zip archive", b"7z\xbc\xaf\x27\x1c"),
    Signature("a RAR archive", b"Rar!\x1a\x07"),
    Signature("a bzip2 archive", b"BZh"),
    Signature("an xz archive", b"\xfd7zXZ\0"),
    Signature("a zstd archive", b"\x28\xb5\x2f\xfd"),
    Signature("a tar archive", b"ustar", 257),
    Signature("a video (AVI)", b"AVI ", 8),
    Signature("a sound (WAV)", b"WAVE", 8),
    Signature("a video (Matroska or WebM)", b"\x1aE\xdf\xa3"),
    Signature("a video (MP4 or MOV)", b"ftyp", 4),
    Signature("a NumPy array", b"\x93NUMPY"),
    Signature("an HDF5 file", b"\x89HDF\r\n\x1a\n"),
    Signature("a Parquet file", b"PAR1"),
    Signature("an SQLite database", b"SQLite format 3\0"),
    Signature("a program", b"MZ"),
    Signature("a program", b"\x7fELF"),
)

#: Formats that are read, by their first bytes.
_READ = (
    Signature("JPEG", b"\xff\xd8"),
    Signature("PNG", b"\x89PNG"),
    Signature("GIF", b"GIF8"),
    Signature("WebP", b"WEBP", 8),
    Signature("BMP", b"BM"),
    Signature("TIFF", b"II*\0"),
    Signature("TIFF", b"MM\0*"),
    Signature("TIFF", b"II+\0"),
    Signature("TIFF", b"MM\0+"),
    Signature("JPEG 2000", b"\0\0\0\x0cjP"),
    Signature("JPEG 2000", b"\xff\x4f\xff\x51"),
    Signature("PPM", b"P1\n"),
    Signature("PPM", b"P2\n"),
    Signature("PPM", b"P3\n"),
    Signature("PPM", b"P4\n"),
    Signature("PPM", b"P5\n"),
    Signature("PPM", b"P6\n"),
)

_RAW = "nef nrw cr2 cr3 crw arw srf sr2 dng raf orf rw2 pef srw x3f 3fr erf kdc dcr mrw mos iiq rwl"
#: Extension -> name of formats that are not read and that a header would not tell, or would tell wrongly: the header of
#: many raw files is that of a TIFF, with a thumbnail as its first picture.
RAW_EXTENSIONS = {f".{ending}": f"camera raw, {ending.upper()}" for ending in _RAW.split()}
#: The same for formats whose files are read if their header is that of an image after all.
UNREAD_EXTENSIONS = {
    ".heic": "HEIC", ".heif": "HEIC", ".hif": "HEIC", ".jxl": "JPEG XL", ".psd": "Photoshop, PSD",
    ".psb": "Photoshop, PSB", ".svg": "SVG", ".svgz": "SVG", ".tga": "TGA", ".ico": "Windows icon, ICO",
    ".dcm": "DICOM", ".dicom": "DICOM", ".eps": "EPS or PostScript", ".exr": "OpenEXR", ".xcf": "GIMP, XCF",
    ".jxr": "JPEG XR", ".qoi": "QOI", ".pam": "PAM", ".pfm": "colour PFM", ".fits": "FITS",
}  # fmt: skip

# The brands of HEIF files whose pictures are HEVC; "mif1" alone says HEIF only.
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF = frozenset({b"avif", b"avis"})
_POINTERS = (
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the image: run `git lfs pull`"),
    (b"version https://hawser.github.com/spec/", "a Git LFS pointer, not the image: run `git lfs pull`"),
    (b"/annex/objects/", "a git-annex pointer, not the image: run `git annex get`"),
    (b"../.git/annex/objects/", "a git-annex pointer, not the image: run `git annex get`"),
    (b".git/annex/objects/", "a git-annex pointer, not the image: run `git annex get`"),
)
_MARKUP = re.compile(rb"<(?:!doctype\s+)?(html|svg|[?!a-z])", re.IGNORECASE)

#: Bytes from the start of a file that `pointer` and `unread_format` look at.
HEAD = 1024


def pointer(head: bytes) -> str | None:
    """Returns what to do if the file stands for an image that was not downloaded; None if it does not."""
    return next((reason for first, reason in _POINTERS if head.startswith(first)), None)


def unread_format(head: bytes) -> str | None:
    """Returns the name of an image format that is not read, from the start of the file; None if it is another."""
    if _is_heic(head) and "HEIF" not in FORMATS:
        return "HEIC"
    if _is_svg(head):
        return "SVG"
    return _named(head, _IMAGES)


def _is_heic(head: bytes) -> bool:
    """Whether the file is a HEIF of HEVC pictures, as phones write it; AVIF is not, though it shares the container."""
    return bool(_brands(head) & _HEIF) and not _brands(head) & _AVIF


def _brands(head: bytes) -> set[bytes]:
    """What a file in the container of MP4 and HEIF says it is compatible with; empty for other files."""
    if head[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(head[:4], "big"), 256)
    return {head[8:12], *(head[place : place + 4] for place in range(16, size, 4))}


def broken_header(head: bytes) -> str | None:
    """Returns the reason for a file that begins like a format that is read, and yet is not; None if it does not."""
    name = "HEIC" if _is_heic(head) else "AVIF" if _brands(head) & _AVIF else _named(head, _READ)
    if name is None:
        return None
    return f"corrupt, truncated or of a rare kind: it begins like a {name}, but its header cannot be read"


def not_read(name: str) -> str:
    """The reason for an image of a format that is not read, with what to do."""
    reason = f"{UNREAD} ({name})"
    how = how_to_read(reason)
    return f"{reason}: {how[0].lower()}{how[1:]}".replace(" them ", " it ")


def how_to_read(reason: str) -> str:
    """Says what to do about an image of a format that is not read, without a full stop."""
    if "(HEIC)" in reason:
        return "Install pillow-heif (`pip install pillow-heif`), or convert them to JPEG or PNG"
    return "Convert them to JPEG or PNG"


def what_it_is(data: bytes) -> str:
    """Returns the reason for bytes that no reader accepts."""
    head = data[:HEAD]
    if (reason := pointer(head)) is not None:
        return reason
    if (name := unread_format(head) or _named(data, _IMAGES)) is not None:
        return not_read(name)
    if (reason := broken_header(head)) is not None:
        return reason
    if (name := _named(head, _OTHERS)) is not None:
        return f"{name}, not an image"
    if not any(data):
        return f"{len(data)} zero bytes, not an image"
    return _text(head) or "not an image in a format that is known"


def _named(data: bytes, signatures: tuple[Signature, ...]) -> str | None:
    for name, first, at in signatures:
        start = at if at >= 0 else max(0, len(data) + at)
        if data[start : start + len(first)] == first:
            return name
    return None


def _is_svg(head: bytes) -> bool:
    found = _MARKUP.match(_without_mark(head))
    return found is not None and re.search(rb"<svg[\s>]", head) is not None and not re.search(rb"(?i)<html", head)


def _without_mark(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def _text(head: bytes) -> str | None:
    """Names a text, and quotes its beginning: often it is the error of a server. None for other bytes."""
    start = _without_mark(head)
    if not start or any(byte < 9 for byte in start):
        return None
    found = _MARKUP.match(start)
    if found is not None:
        is_page = re.search(rb"(?i)<html|<!doctype html|<head|<body", start)
        kind = "a web page (HTML)" if is_page else "XML"
    elif re.match(rb"[{\[]\s*[\"{\[\d\]}]", start):
        kind = "JSON"
    elif re.match(rb"data:image/|iVBORw0KGgo|/9j/", start):
        kind = "text (an image in base64)"
    else:
        try:
            start.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(start) - 3:  # not a character that the end of `head` cuts
                return None
        kind = "text"
    words = visible(" ".join(start[:200].decode("utf-8", "replace").split()))
    return f"{kind}, not an image: it begins \u201c{words[:60]}\u201d"
