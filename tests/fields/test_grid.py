import numpy as np
import pytest

from nephele.fields import grid

R = grid.EARTH_RADIUS


@pytest.mark.parametrize("latitude", [-35.0, 0.0, 7.1, 48.0])
@pytest.mark.parametrize("longitude", [0.5, 146.7, 180.0, 359.9])
def test_a_point_comes_back_from_the_plane(latitude, longitude):
    points = grid.centres(9, 300e3)
    lat, lon = grid.positions(points, points, np.array([latitude]), np.array([longitude]))
    x, y = grid.to_plane(lat[0], lon[0], latitude, longitude)
    np.testing.assert_allclose(x, np.broadcast_to(points, (9, 9)), atol=1e-3)
    np.testing.assert_allclose(y, np.broadcast_to(points[:, None], (9, 9)), atol=1e-3)
    assert (lon >= 0).all()
    assert (lon < 360).all()


def test_the_centre_is_the_origin():
    lat, lon = grid.to_sphere(0.0, 0.0, 21.0, 190.0)
    assert lat == pytest.approx(21.0)
    assert lon == pytest.approx(190.0)


def test_areas_on_the_plane_are_areas_on_the_sphere():
    # A spherical cap of angular radius c has the area 2πR²(1 − cos c); its image is a disc.
    c = np.deg2rad(12.0)
    x, y = grid.to_plane(90.0 - 12.0, 33.0, 90.0, 0.0)
    assert np.pi * np.hypot(x, y) ** 2 == pytest.approx(2 * np.pi * R**2 * (1 - np.cos(c)))


def test_every_cell_has_the_area_of_the_plane():
    # The sphere's area element, cos(lat) |∂(lat, lon)/∂(x, y)|, by central differences.
    step = 10.0
    points = grid.centres(5, 500e3)
    x, y = np.meshgrid(points, points)

    def at(dx, dy):
        return np.deg2rad(grid.to_sphere(x + dx, y + dy, 25.0, 150.0))

    lat_x, lon_x = (at(step, 0.0) - at(-step, 0.0)) / (2 * step)
    lat_y, lon_y = (at(0.0, step) - at(0.0, -step)) / (2 * step)
    element = R**2 * np.cos(at(0.0, 0.0)[0]) * (lat_y * lon_x - lat_x * lon_y)
    np.testing.assert_allclose(element, 1.0, rtol=1e-5)


def test_edges_lie_half_way_between_centres():
    np.testing.assert_allclose(grid.edges(grid.centres(4, 20.0)), [-40, -20, 0, 20, 40])
