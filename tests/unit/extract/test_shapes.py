"""Shapes of a mask are counted and measured as drawn."""

import cv2
import numpy as np
import pytest

from extract.shapes import groups, shapes_of


def test_shapes_are_measured_and_blank_rows_between_them_do_not_join_them() -> None:
    mask = np.zeros((40, 30), np.uint8)
    mask[3:6, 4:9] = 1
    mask[7:9, 4:6] = 1  # one blank row below the first
    mask[30, 29] = 1
    found = shapes_of(mask)
    assert found.stats[1:].tolist() == [[4, 3, 5, 3, 15], [4, 7, 2, 2, 4], [29, 30, 1, 1, 1]]
    assert (found.labels > 0).tolist() == (mask > 0).tolist()


def test_pixels_that_touch_at_a_corner_are_one_shape() -> None:
    assert len(shapes_of(np.eye(12, dtype=np.uint8))) == 2  # paper and the diagonal


def test_a_mask_without_ink_has_no_shape_but_paper() -> None:
    found = shapes_of(np.zeros((8, 8), np.uint8))
    assert len(found) == 1
    assert not found.labels.any()


def test_shapes_nearer_than_the_gap_are_one_group_and_those_left_out_are_none() -> None:
    mask = np.zeros((20, 120), np.uint8)
    for left in (0, 16, 100):
        mask[5:15, left : left + 4] = 1
    found = shapes_of(mask)
    group = groups(found, np.array([False, True, True, True]), (22, 3))
    assert group[1] == group[2] != group[3]
    assert groups(found, np.array([False, True, False, True]), (22, 3))[2] == 0


def test_a_mask_of_chosen_shapes_holds_these_and_no_others() -> None:
    mask = np.zeros((10, 20), np.uint8)
    mask[2:5, 2:5] = mask[2:5, 12:15] = 1
    found = shapes_of(mask)
    kept = found.mask(np.array([False, False, True]))
    assert kept[:, :10].sum() == 0
    assert kept[:, 10:].tolist() == mask[:, 10:].tolist()


@pytest.mark.parametrize("seed", range(6))
def test_shapes_are_those_that_opencv_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    mask = (random.random((60, 90)) < 0.08 * seed).astype(np.uint8)
    mask[random.random(60) < 0.3] = 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found = shapes_of(mask)
    assert len(found) == count
    # They may be numbered otherwise, but each is the same.
    number = np.zeros(count, np.int64)
    number[labels[found.labels > 0]] = found.of
    assert (found.labels == number[labels]).all()
    assert found.stats[number[1:]].tolist() == stats[1:].tolist()


def test_a_shape_alone_is_drawn_in_its_own_window() -> None:
    mask = np.zeros((10, 20), np.uint8)
    mask[2:5, 2] = mask[4, 2:7] = 1
    mask[2, 4] = 1  # another one within the window
    found = shapes_of(mask)
    assert found.alone(int(found.labels[4, 6])).tolist() == [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]]
