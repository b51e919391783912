"""Perceptual hashes, exact comparison of all pairs, and groups of the same picture."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.data.sample import Sample
from auditor.data.sources import load_dataset
from auditor.duplicates.groups import (
    NEAR,
    Fingerprint,
    duplicate_groups,
    fingerprint,
    fingerprints,
    groups_of,
    joined,
    near_pairs,
)
from auditor.images.perceptual_hash import BITS, mirrored, perceptual_hash
from auditor.progress import Progress


def distance(one, other):
    return int(np.bitwise_count(one ^ other).sum())


def random_hashes(count, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), dtype=np.uint64)


def flipped(hash_, bits):
    """A hash with these bits inverted."""
    turned = np.unpackbits(hash_.view(np.uint8))
    turned[list(bits)] ^= 1
    return np.packbits(turned).view(np.uint64)


# Hashes


def test_the_hash_is_the_signs_of_the_lowest_frequencies(photo):
    frequency, pixel = np.arange(16)[:, None], np.arange(64)
    basis = np.cos(np.pi * (pixel + 0.5) * frequency / 64)                              # the DCT by formula: (16, 64)
    grey = cv2.cvtColor(cv2.resize(photo, (64, 64), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
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

    assert distance(perceptual_hash(photo[:, ::-1]), mirrored(own)) <= 2
    assert (mirrored(mirrored(own)) == own).all()


def test_blank_pictures_have_the_same_hash():
    blanks = {perceptual_hash(np.full((40, 70, 3), grey, np.uint8)).tobytes() for grey in (0, 90, 255)}

    assert len(blanks) <= 2                                     # for black the mean is 0 too


# Pairs


@pytest.mark.parametrize("count", [1, 2, 700, 1500])
def test_the_pairs_agree_with_brute_force(count):
    hashes = random_hashes(count)
    rng = np.random.default_rng(1)
    for row in range(count // 2, count):                        # half of them near another, at 0 to 60 bits
        hashes[row] = flipped(hashes[row - count // 2], rng.choice(BITS, rng.integers(0, 60), replace=False))
    bits = np.unpackbits(hashes.view(np.uint8), axis=1).astype(np.float32)
    apart = bits @ (1 - bits.T) + (1 - bits) @ bits.T
    wanted = {(i, j): apart[i, j] for i, j in np.argwhere(np.triu(apart <= NEAR, 1)).tolist()}

    blocks = [(pairs.tolist(), far.tolist()) for pairs, far in near_pairs(hashes)]
    assert {tuple(pair): far for pairs, fars in blocks for pair, far in zip(pairs, fars, strict=True)} == wanted


def test_mirror_images_are_compared_on_request_only():
    first, second = random_hashes(2)
    hashes = np.stack([first, second, mirrored(flipped(first, [3, 200]))])

    assert not list(near_pairs(hashes))
    [(pairs, far)] = near_pairs(hashes, mirror=True)
    assert (pairs.tolist(), far.tolist()) == ([[0, 2]], [2])


def test_connected_pairs_are_one_group_with_the_number_of_its_first_row():
    blocks = [(np.array([[4, 5], [1, 3]]), np.array([1, 1])), (np.array([[3, 4]]), np.array([2]))]

    assert joined(7, iter(blocks)).tolist() == [0, 1, 2, 1, 1, 1, 6]


def test_ten_thousand_copies_of_one_picture_are_one_group():
    prints = [Fingerprint(f"{row:064}", random_hashes(1)[0]) for row in range(10_000)]

    assert not groups_of(prints).any()


# Groups


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
