import numpy as np
import pytest

from nephele.windows import placebo
from nephele.windows.placebo import NOBODY

LENGTHS = {"train": (6, 6, 6), "validation": (4, 6), "test": (6,)}


def storms(lengths=LENGTHS):
    """Storm of each frame, all of a storm's frames in one window, and each storm's split."""
    sizes = [(split, size) for split, each in lengths.items() for size in each]
    storm = np.repeat(np.arange(len(sizes)).astype(str), [size for _, size in sizes])
    return storm, [split for split, _ in sizes]


def donated(lengths=LENGTHS, seed=0):
    """Storm of each frame, and the frame from which it takes its fields."""
    storm, split_of = storms(lengths)
    found = np.full(len(storm), NOBODY)
    # Windows of one frame: then the frames of a window need not be of one length.
    windows = np.arange(len(storm))[:, None]
    split = np.array([split_of[int(name)] for name in storm])
    found = placebo.donors(storm, windows, split, seed)
    return storm, split, found


@pytest.mark.parametrize("seed", range(4))
def test_fields_come_from_another_storm_of_the_same_split(seed):
    storm, split, donor = donated(seed=seed)
    np.testing.assert_array_equal(split[donor], split)
    together = split != "test"
    assert (storm[donor] != storm)[together].all()
    for name in np.unique(storm[together]):
        assert len(set(storm[donor[storm == name]])) == 1


def test_times_agree_by_number_and_begin_again_where_the_other_storm_is_shorter():
    storm, split, donor = donated()
    start = np.array([np.flatnonzero(storm == name)[0] for name in storm])
    number = np.arange(len(storm)) - start
    for name in np.unique(storm[split != "test"]):
        mine = storm == name
        length = (storm == storm[donor[mine][0]]).sum()
        np.testing.assert_array_equal(number[donor[mine]], number[mine] % length)
    longer = (storm == "4").nonzero()[0]  # of 6 frames, beside one of 4
    assert number[donor[longer]].tolist() == [0, 1, 2, 3, 0, 1]


def test_among_storms_of_equal_length_every_field_is_used_once():
    _, split, donor = donated()
    train = split == "train"
    np.testing.assert_array_equal(np.sort(donor[train]), np.flatnonzero(train))


def test_a_storm_alone_takes_its_own_fields_half_its_length_away():
    _, split, donor = donated()
    test = np.flatnonzero(split == "test")
    np.testing.assert_array_equal(np.abs(donor[test] - test), len(test) // 2)


def test_the_circle_differs_by_seed_and_is_the_same_by_the_same():
    lengths = {"train": (5,) * 9}
    first, again, other = (donated(lengths, seed)[2] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_frames_of_no_window_take_nothing():
    storm, windows = np.array(["a"] * 4 + ["b"] * 4), np.array([[0, 1], [4, 5]])
    donor = placebo.donors(storm, windows, np.array(["train", "train"]), seed=0)
    assert donor.tolist() == [4, 5, NOBODY, NOBODY, 0, 1, NOBODY, NOBODY]

    era5 = np.arange(16.0).reshape(8, 2, 1, 1)
    valid = np.full((8, 2, 1, 1), 100, np.uint8)
    fields, share = placebo.appended(era5, valid, 1, donor)

    np.testing.assert_array_equal(fields[:, :2], era5)
    np.testing.assert_array_equal(fields[:4, 2].ravel(), [9, 11, np.nan, np.nan])
    np.testing.assert_array_equal(share[:, 2].ravel(), [100, 100, 0, 0] * 2)
