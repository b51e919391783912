"""The reason names the cause: what a file is instead of an image that is read, and what to do."""

import io

import numpy as np
import pytest
from PIL import Image

from auditor.data.walk import walk
from auditor.images import Unreadable, decode
from auditor.images.formats import FORMATS
from auditor.images.reader import read
from auditor.settings import Limits
from tests.images.files import encode, tiff

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
DICOM = bytes(128) + b"DICM" + bytes(200)
HEIC = b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(range(256))
BROKEN = "corrupt, truncated or of a rare kind: it begins like a {}, but its header cannot be read"
READS_HEIC = "HEIF" in FORMATS


def reason(data):
    with pytest.raises(Unreadable) as error:
        decode(data)
    return str(error.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (LFS, "a Git LFS pointer, not the image: run `git lfs pull`"),
        (b"/annex/objects/MD5-s10--abc\n", "run `git annex get`"),
        (DICOM, "not read (DICOM): convert it"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(40), "not read (camera raw, CR2)"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "not read (camera raw, CR3)"),
        (b"FUJIFILMCCD-RAW 0201", "not read (camera raw, RAF)"),
        (b"8BPS\0\1" + bytes(20), "not read (Photoshop, PSD)"),
        (b"\xff\x0a\xfa\x1f", "not read (JPEG XL)"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "not read (JPEG XL)"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not read (SVG)"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n<svg ></svg>", "not read (SVG)"),
        (b"v/1\x01\2\0\0\0", "not read (OpenEXR)"),
        (b"<!DOCTYPE html>\n<title>404 Not Found</title>", "a web page (HTML), not an image: it begins"),
        (b"<HTML><HEAD>", "a web page (HTML)"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", "XML, not an image: it begins"),
        (b'{"error": {"code": 403, "message": "expired"}}', "JSON, not an image: it begins \u201c{\"error\""),
        (b'[\n  {"id": 1}\n]', "JSON, not an image"),
        (b"Too many requests\n", "text, not an image: it begins \u201cToo many requests\u201d"),
        ("Доступ запрещён".encode() * 60, "text, not an image"),
        (b"data:image/png;base64,iVBORw0KGgo=", "text (an image in base64)"),
        (b"PK\3\4" + bytes(30), "a zip archive, not an image"),
        (b"%PDF-1.7\n", "a PDF, not an image"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"\0\0\0\x18ftypisom\0\0\2\0", "a video (MP4 or MOV)"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "it begins like a AVIF"),
        (b"RIFF\x10\0\0\0AVI LIST", "a video (AVI)"),
        (b"\x93NUMPY\1\0", "a NumPy array"),
        (bytes(300), "300 zero bytes, not an image"),
        (b"", "empty file (0 bytes)"),
    ],
)
def test_the_cause(data, words):
    assert words in reason(data)


def test_a_quoted_text_cannot_reorder_or_break_the_line():
    text = reason(b"error \xe2\x80\xae gpj.exe\nsecond line\x1b[31m")

    assert text.isprintable()
    assert "\u202e" not in text


def test_the_preview_in_a_camera_s_raw_file_is_not_taken_for_the_picture():
    preview = np.full((12, 16, 3), 90, dtype=np.uint8)

    assert "camera raw" in reason(tiff(preview, 2, t50706=[0x01040000]))        # DNG
    assert "camera raw" in reason(tiff(preview, 2, t254=[1], t330=[8]))         # NEF, ARW: the rest is in a sub-image
    assert decode(tiff(preview, 2, t254=[0])).pixels.min() == 90


def test_limits_are_called_by_the_names_of_their_settings(tmp_path, photo):
    class File:
        def size(self):
            return len(self.read_bytes())

        def read_bytes(self):
            return encode(photo, "JPEG")

    pixels, size = read(File(), Limits(max_pixels=9_999)).failure, read(File(), Limits(max_bytes=99)).failure

    assert pixels == "its header claims 0 megapixels, over the limit of 0 megapixels (max_pixels)"
    assert size.endswith("for one file (max_bytes)")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("pointer", LFS, "a Git LFS pointer, not the image: run `git lfs pull`"),
        ("weights.bin", LFS, "a Git LFS pointer, not the image: run `git lfs pull`"),
        ("scan.dcm", DICOM, "an image format that is not read (DICOM)"),
        ("scan", DICOM, "an image format that is not read (DICOM)"),
        ("layers.PSD", b"", "an image format that is not read (Photoshop, PSD)"),
        ("drawing.svg", b"<svg/>", "an image format that is not read (SVG)"),
        ("drawing", b"<svg viewBox='0 0 1 1'>", "an image format that is not read (SVG)"),
        ("portrait", b"\xff\xd8\xff\xe0" + bytes(9), BROKEN.format("JPEG")),
        ("pictures.dat", b"\x89PNG\r\n\x1a\n" + bytes(9), BROKEN.format("PNG")),
        ("BMW.md", b"BMW and other makes", "not an image (.md)"),
        ("notes.txt", b"words", "not an image (.txt)"),
        ("page.html", b"<html>", "not an image (.html)"),
    ],
)
def test_files_left_out_say_what_they_are(tmp_path, name, data, why):
    (tmp_path / name).write_bytes(data)

    (_, reason), = walk(tmp_path).skipped

    assert reason == why


@pytest.mark.parametrize("ending", ["dng", "NEF", "arw", "cr2"])
def test_camera_raw_is_left_out_though_its_header_is_that_of_a_tiff(tmp_path, photo, ending):
    (tmp_path / f"1.{ending}").write_bytes(encode(photo, "TIFF"))

    tree = walk(tmp_path)

    assert tree.images == []
    assert tree.skipped[0][1] == f"an image format that is not read (camera raw, {ending.upper()})"
    assert "Convert them to JPEG or PNG." in tree.notes[0]


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1"])
@pytest.mark.skipif(READS_HEIC, reason="pillow-heif is installed, so HEIC is read")
def test_heic_names_what_reads_it_whatever_the_file_is_called(tmp_path, brand):
    data = HEIC.replace(b"ftypheic", b"ftyp" + brand)
    for name in ("1.heic", "2", "3.HEIF"):
        (tmp_path / name).write_bytes(data)

    tree = walk(tmp_path)

    assert reason(data).startswith("an image format that is not read (HEIC): install pillow-heif (`pip install")
    assert {why for _, why in tree.skipped} == {"an image format that is not read (HEIC)"}
    assert "pillow-heif" in tree.notes[0]


@pytest.mark.skipif(not READS_HEIC, reason="pillow-heif is not installed: pip install 'auditor[heif]'")
def test_heic_is_read_whatever_the_file_is_called(tmp_path, photo):
    data = encode(photo, "HEIF", quality=95)
    for name in ("1.heic", "2", "3.jpg"):
        (tmp_path / name).write_bytes(data)

    picture = decode(data)

    assert (picture.format, picture.pixels.shape) == ("HEIF", photo.shape)
    assert np.abs(picture.pixels.astype(int) - photo).mean() < 6
    assert len(walk(tmp_path).images) == 3
    for kept in (0.01, 0.3, 0.9, 0.99):
        assert reason(data[: int(len(data) * kept)])


@pytest.mark.skipif(not READS_HEIC, reason="pillow-heif is not installed: pip install 'auditor[heif]'")
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_comes_out_upright(photo, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]              # as a camera in another orientation stores it
    stored = np.ascontiguousarray(np.rot90(photo, turned))

    pixels = decode(encode(stored, "HEIF", quality=95, exif=exif.tobytes())).pixels

    assert pixels.shape == photo.shape
    assert np.abs(pixels.astype(int) - photo).mean() < 6


@pytest.mark.skipif(not READS_HEIC, reason="pillow-heif is not installed: pip install 'auditor[heif]'")
def test_heic_of_10_bits_keeps_white():
    import pillow_heif

    levels = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    buffer = io.BytesIO()
    values = np.ascontiguousarray(np.dstack([levels] * 3))
    pillow_heif.from_bytes(mode="RGB;16", size=(64, 64), data=values.tobytes()).save(buffer, quality=-1)

    pixels = decode(buffer.getvalue()).pixels

    assert np.abs(pixels.astype(int) - (values >> 8)).max() <= 3
    assert pixels[-1, -1].min() >= 253
