"""Near hashes are found by sorting, and nothing blows up."""

import numpy as np
import pytest

from auditor.duplicates.near_hashes import MOST, NEAR, Views, near_views
from auditor.images.perceptual_hash import BITS, mirrored


def random_hashes(count, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), dtype=np.uint64)


def flipped(hash_, bits):
    """A hash with these bits inverted."""
    turned = np.unpackbits(hash_.view(np.uint8))
    turned[list(bits)] ^= 1
    return np.packbits(turned).view(np.uint64)


def pairs_of(hashes, **options):
    found = near_views(Views.of(np.arange(len(hashes)), hashes), **options)
    pairs = zip(found.first.tolist(), found.second.tolist(), strict=True)
    return dict(zip(pairs, zip(found.distance.tolist(), found.mirror.tolist(), strict=True), strict=True))


def test_what_is_found_is_near_and_nearly_all_of_it_is_found():
    hashes, rng = random_hashes(3000), np.random.default_rng(1)
    for row in range(1500, 3000):                               # half of them near another, at 0 to 60 bits
        hashes[row] = flipped(hashes[row - 1500], rng.choice(BITS, rng.integers(0, 60), replace=False))
    bits = np.unpackbits(hashes.view(np.uint8), axis=1).astype(np.float32)
    apart = bits @ (1 - bits.T) + (1 - bits) @ bits.T
    wanted = {(i, j): int(apart[i, j]) for i, j in np.argwhere(np.triu(apart <= NEAR, 1)).tolist()}

    found = {pair: far for pair, (far, mirror) in pairs_of(hashes).items() if not mirror}

    assert found.items() <= wanted.items()
    assert {pair for pair, far in wanted.items() if far <= 24} <= set(found)
    assert len(found) >= 0.95 * len(wanted)


def test_mirror_images_are_found_and_told():
    first, second = random_hashes(2)
    hashes = np.stack([first, second, mirrored(flipped(first, [3, 200]))])

    assert pairs_of(hashes) == {(0, 2): (2, True)}


def test_queries_find_what_is_stored_but_not_each_other():
    first, second = random_hashes(2)
    stored = Views.of(np.array([0, 1]), np.stack([first, second]))
    asked = Views.of(np.array([2, 3]), np.stack([flipped(second, [5]), flipped(second, [5, 9])]))

    found = near_views(stored, [asked])

    assert list(zip(found.first, found.second, found.distance, strict=True)) == [(1, 2, 1), (1, 3, 2)]


def test_the_nearest_way_of_a_pair_counts():
    first, second = random_hashes(2)
    stored = Views.of(np.array([0, 1, 0]), np.stack([first, flipped(second, range(20)), second]))

    found = near_views(stored)

    assert (found.first.tolist(), found.second.tolist(), found.distance.tolist()) == ([0], [1], [20])


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_images_are_no_special_case(count):
    assert pairs_of(random_hashes(count)) == {}


def test_thousands_of_equal_hashes_have_few_candidates_each():
    hashes = np.repeat(random_hashes(1), 5000, axis=0)

    found = near_views(Views.of(np.arange(5000), hashes))

    assert 5000 <= len(found) <= 5000 * MOST


def test_the_result_does_not_depend_on_the_threads():
    hashes = np.repeat(random_hashes(50), 20, axis=0)

    one, other = pairs_of(hashes, threads=1), pairs_of(hashes, threads=3)

    assert list(one.items()) == list(other.items())
