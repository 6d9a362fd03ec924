"""The t-SNE pictures: who lies where, and which colour and marker say so."""

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgba
from matplotlib.markers import MarkerStyle

from nephele.fields.variables import PLACEBO
from nephele.pictures import tsne

VARIABLES = ("sst", "msl", "z", "r", PLACEBO)
SAMPLES = 20


@pytest.fixture(scope="module")
def features():
    """Five variables far apart from each other."""
    generator = np.random.default_rng(0)
    centres = 20 * generator.standard_normal((1, 5, 30))
    return centres + generator.standard_normal((SAMPLES, 5, 30))


@pytest.fixture(scope="module")
def found(features):
    student = features + 0.3 * np.random.default_rng(1).standard_normal(features.shape)
    return tsne.shared_map(features, student, perplexity=10.0, neighbours=5, seed=0)


def groups(points):
    return np.split(points, len(VARIABLES))


def test_each_students_point_lies_in_its_variables_group(found):
    centres = np.array([part.mean(axis=0) for part in groups(found.teacher)])
    for number, part in enumerate(groups(found.student)):
        distances = np.linalg.norm(part[:, None] - centres, axis=2)
        assert (distances.argmin(axis=1) == number).all()


def test_what_the_student_does_cannot_move_the_teachers_map(features, found):
    other = np.random.default_rng(2).standard_normal(features.shape)
    again = tsne.shared_map(features, other, perplexity=10.0, neighbours=5, seed=0)
    assert np.array_equal(again.teacher, found.teacher)
    assert again.student_trust < found.student_trust


def test_a_map_of_groups_is_trusted_and_a_student_from_elsewhere_is_not(found):
    assert found.teacher_trust > 0.9
    assert found.student_trust > 0.9


def test_colour_is_the_variable_and_marker_the_network(found):
    axes = tsne.tsne_picture(found, VARIABLES, "title", "SYNTHETIC").axes[0]
    drawn = [
        (to_hex(points.get_facecolor()[0]), points.get_paths()[0].vertices.tolist(), points)
        for points in axes.collections
    ]
    colours = [tsne.COLOURS[name] for name in VARIABLES]
    assert [colour for colour, _, _ in drawn] == colours * 2
    red, blue, green, orange, grey = (np.array(to_rgba(colour)[:3]) for colour in colours)
    assert red.argmax() == 0
    assert blue.argmax() == 2
    assert green.argmax() == 1
    assert (np.diff(orange) < 0).all()
    assert len(set(grey)) == 1
    for place, marker in ((0, "o"), (len(VARIABLES), "s")):
        style = MarkerStyle(marker)
        outline = style.get_path().transformed(style.get_transform()).vertices.tolist()
        for _, vertices, _ in drawn[place : place + len(VARIABLES)]:
            assert vertices == outline
    offsets = [np.asarray(points.get_offsets()) for _, _, points in drawn]
    expected = [*groups(found.teacher), *groups(found.student)]
    assert all(np.array_equal(*pair) for pair in zip(offsets, expected, strict=True))


def test_the_picture_says_how_far_it_can_be_believed_and_that_the_data_are_synthetic(found):
    axes = tsne.tsne_picture(found, VARIABLES, "title", "SYNTHETIC").axes[0]
    assert f"teacher's map {found.teacher_trust:.2f}" in axes.get_xlabel()
    assert f"both networks {found.student_trust:.2f}" in axes.get_xlabel()
    assert axes.get_title() == "SYNTHETIC \N{EM DASH} title"
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["SST", "MSL", "Z", "R", "placebo", "teacher", "student"]
