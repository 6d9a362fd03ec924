import numpy as np
import pytest
from hypothesis import given, strategies as st

from nephele.regridding.overlaps import areas, overlaps

COLUMNS, ROWS = np.array([0.0, 1, 2.5, 3, 5]), np.array([-1.0, 0, 2, 2.25, 4])


def total(found, shape):
    """Area by quadrilateral, row and column."""
    out = np.zeros(shape)
    np.add.at(out, (found.quad, found.row, found.column), found.area)
    return out


def convex(seed, count=20):
    """Quadrilaterals of any turn, size and place within the grid."""
    random = np.random.default_rng(seed)
    angle = np.sort(random.random((count, 4)), axis=1) * 2 * np.pi
    radius, middle = random.uniform(0.05, 1.2, (count, 1)), random.uniform(1.3, 2.7, (count, 2))
    return middle[:, :1] + radius * np.cos(angle), middle[:, 1:] + radius * np.sin(angle)


def test_a_rectangle_overlaps_by_the_product_of_its_overlaps_along_either_axis():
    u, v = np.array([[0.5, 2.75, 2.75, 0.5]]), np.array([[-0.5, -0.5, 3.0, 3.0]])
    by_hand = np.outer([0.5, 2, 0.25, 0.75], [0.5, 1.5, 0.25, 0])
    np.testing.assert_allclose(total(overlaps(u, v, COLUMNS, ROWS), (1, 4, 4))[0], by_hand)


def test_a_triangle_over_a_square():
    # The lower right half of the unit square, and its mirror image beyond x = 1.
    u, v = np.array([[0.0, 1, 2, 1]]), np.array([[0.0, 0, 0, 1]])
    found = total(overlaps(u, v, np.arange(3.0), np.arange(2.0)), (1, 1, 2))
    np.testing.assert_allclose(found[0, 0], [0.5, 0.5])


@given(st.integers(0, 10_000))
def test_all_parts_together_are_the_quadrilateral(seed):
    u, v = convex(seed)
    found = total(overlaps(u, v, COLUMNS, ROWS), (20, 4, 4))
    np.testing.assert_allclose(found.sum(axis=(1, 2)), areas(u, v), atol=1e-14)
    assert found.min() > -1e-14


@given(st.integers(0, 10_000))
def test_clipping_one_by_one_gives_the_same(seed):
    u, v = convex(seed, count=3)
    found = total(overlaps(u[:, ::-1], v[:, ::-1], COLUMNS, ROWS), (3, 4, 4))
    for quad, row, column in np.ndindex(found.shape):
        corners = list(zip(u[quad], v[quad], strict=True))
        sides = [(0, 1, COLUMNS[column]), (0, -1, COLUMNS[column + 1]),
                 (1, 1, ROWS[row]), (1, -1, ROWS[row + 1])]  # fmt: skip
        for axis, sign, line in sides:
            corners = clipped(corners, axis, sign, line)
        assert found[quad, row, column] == pytest.approx(shoelace(corners), abs=1e-12)


def clipped(corners, axis, sign, line):
    """Sutherland and Hodgman 1974: what of a polygon lies on one side of a line."""
    out = []
    for one, other in zip(corners, corners[1:] + corners[:1], strict=True):
        here, there = sign * (one[axis] - line), sign * (other[axis] - line)
        if here >= 0:
            out.append(one)
        if (here < 0) != (there < 0):
            share = here / (here - there)
            out.append(tuple(a + share * (b - a) for a, b in zip(one, other, strict=True)))
    return out


def shoelace(corners):
    pairs = zip(corners, corners[1:] + corners[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2


def test_what_lies_beside_the_grid_has_no_part_in_it():
    u, v = np.array([[-3.0, 9, 9, -3], [6, 7, 7, 6]]), np.array([[-9.0, -9, 9, 9], [0, 0, 1, 1]])
    found = total(overlaps(u, v, COLUMNS, ROWS), (2, 4, 4))
    np.testing.assert_allclose(found[0], np.outer(np.diff(ROWS), np.diff(COLUMNS)))
    assert (found[1] == 0).all()
