"""Perceptual hashes, and groups of the same picture for a split."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.data.sample import Sample
from auditor.data.sources import load_dataset
from auditor.duplicates.groups import (
    NEAR,
    Fingerprint,
    duplicate_groups,
    fingerprint,
    fingerprints,
    groups_of,
)
from auditor.images.border import without_border
from auditor.images.perceptual_hash import (
    BITS,
    hash_miniatures,
    miniature,
    mirrored,
    perceptual_hash,
)
from auditor.progress import Progress


def distance(one, other):
    return int(np.bitwise_count(one ^ other).sum())


def random_hashes(count, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), dtype=np.uint64)


# Hashes


def test_the_hash_is_the_signs_of_the_lowest_frequencies(photo):
    frequency, pixel = np.arange(16)[:, None], np.arange(32)
    basis = np.cos(np.pi * (pixel + 0.5) * frequency / 32)                              # the DCT by formula: (16, 32)
    grey = cv2.cvtColor(cv2.resize(photo, (32, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    strengths = basis @ grey.astype(float) @ basis.T

    bits = np.unpackbits(perceptual_hash(photo).view(np.uint8)).reshape(16, 16)

    clear = np.abs(strengths) > 100
    assert clear.sum() > BITS / 2
    assert (bits == (strengths > 0))[clear].all()


def test_a_hash_hardly_changes_with_size_quality_and_brightness(photo, place, tmp_path):
    own = perceptual_hash(photo)
    larger = cv2.resize(photo, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)
    brighter = np.clip(photo * 0.8 + 30, 0, 255).astype(np.uint8)
    saved = fingerprint(Sample(str(place(photo, tmp_path / "a.jpg", quality=40)), "a.jpg", None, None)).hash

    for other in (perceptual_hash(larger), perceptual_hash(brighter), saved):
        assert distance(own, other) <= NEAR / 2


def test_different_pictures_differ_in_many_bits(draw):
    hashes = [perceptual_hash(draw(seed)) for seed in range(12)]

    assert min(distance(hashes[i], hashes[j]) for i in range(12) for j in range(i)) > 2 * NEAR


def test_a_mirror_image_has_the_mirrored_hash(photo):
    own = perceptual_hash(photo)

    assert distance(perceptual_hash(photo[:, ::-1]), mirrored(own)) <= 4
    assert (mirrored(mirrored(own)) == own).all()


def test_the_hash_of_a_part_follows_from_the_miniature(photo):
    large = cv2.resize(photo, (640, 480), interpolation=cv2.INTER_CUBIC)
    part = large[24:-24, 64:]                                   # 5 % off above and below, 10 % off at the left

    found = hash_miniatures(miniature(large)[None], (0.05, 0.05, 0.1, 0))[0]

    assert distance(found, perceptual_hash(part)) <= 24 < distance(perceptual_hash(large), perceptual_hash(part))


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 60)])
def test_a_uniform_border_is_cut_off(photo, place, tmp_path, colour):
    framed = cv2.copyMakeBorder(photo, 9, 9, 12, 20, cv2.BORDER_CONSTANT, value=colour)
    saved = np.asarray(Image.open(place(framed, tmp_path / "framed.jpg", quality=85)))

    bare = without_border(saved)

    assert np.abs(np.subtract(bare.shape, photo.shape)).max() <= 4
    assert distance(perceptual_hash(bare), perceptual_hash(photo)) <= NEAR


def test_a_plain_picture_keeps_its_edges():
    plain = np.full((50, 80, 3), 90, np.uint8)
    spot = plain.copy()
    spot[22:28, 35:45] = 200

    assert without_border(plain).shape == plain.shape
    assert without_border(spot).shape == spot.shape


def test_blank_pictures_have_the_same_hash():
    blanks = {perceptual_hash(np.full((40, 70, 3), grey, np.uint8)).tobytes() for grey in (0, 90, 255)}

    assert len(blanks) <= 2                                     # for black the mean is 0 too


# Groups


def test_ten_thousand_copies_of_one_picture_are_one_group():
    prints = [Fingerprint(f"{row:064}", random_hashes(1)[0]) for row in range(10_000)]

    assert not groups_of(prints).any()


def test_copies_resized_recompressed_and_mirrored_are_one_group(photo, draw, place, tmp_path):
    place(photo, tmp_path / "a" / "original.png")
    place(photo, tmp_path / "b" / "saved.jpg", quality=60)
    place(cv2.resize(photo, (64, 48), interpolation=cv2.INTER_AREA), tmp_path / "b" / "small.png")
    place(photo[:, ::-1], tmp_path / "b" / "mirrored.png")
    for seed in range(1, 6):
        place(draw(seed), tmp_path / "c" / f"{seed}.png")
    samples = load_dataset(tmp_path).samples

    groups = duplicate_groups(samples, Progress())

    by_file = dict(zip((sample.file for sample in samples), groups.tolist(), strict=True))
    copies = ("a/original.png", "b/saved.jpg", "b/small.png", "b/mirrored.png")
    assert [by_file[file] for file in copies] == [0, 0, 0, 0]
    assert len({by_file[f"c/{seed}.png"] for seed in range(1, 6)} | {0}) == 6


def test_broken_files_with_the_same_bytes_are_one_group(tmp_path):
    for name, data in (("a", b"broken"), ("b", b"broken"), ("c", b"otherwise")):
        (tmp_path / f"{name}.jpg").write_bytes(data)
    samples = load_dataset(tmp_path).samples
    gone = replace(samples[0], where=str(tmp_path / "gone.jpg"))

    prints = fingerprints((*samples, gone, gone), Progress())

    assert groups_of(prints).tolist() == [0, 0, 2, 3, 4]
    assert all(one.failure for one in prints)


def test_the_known_duplicates_of_dogs_vs_cats_are_found(shared, tmp_path):
    import tarfile

    with (shared / "data" / "dogs-vs-cats-duplicates.csv").open(newline="") as table:
        known = [(row["file_a"], row["file_b"]) for row in csv.DictReader(table)]
    wanted = {file for pair in known for file in pair}
    with tarfile.open(shared / "data" / "dogs-vs-cats-160.tar") as tar:
        for member in tar:
            file = "/".join(Path(member.name).parts[-2:])
            if file in wanted or file.endswith("77.jpg"):
                (tmp_path / file).parent.mkdir(exist_ok=True)
                (tmp_path / file).write_bytes(tar.extractfile(member).read())
    samples = load_dataset(tmp_path).samples

    groups = dict(zip((sample.file for sample in samples), duplicate_groups(samples, Progress()).tolist(), strict=True))

    assert all(groups[one] == groups[other] for one, other in known)
    assert len(set(groups.values())) >= len(samples) - len(known) - 1       # one more pair was found later
