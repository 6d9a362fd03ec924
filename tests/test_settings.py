import shlex

import pytest
from dvc.utils.hydra import to_hydra_overrides
from hypothesis import given, strategies as st

from pipeline import settings

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"))
VALUES = st.none() | st.booleans() | st.integers() | PRINTABLE | st.lists(st.integers() | PRINTABLE)


def parsed(options: str) -> list[tuple[str, object]]:
    """What DVC makes of the options."""
    words = shlex.split(options)
    assert words[::2] == ["-S"] * (len(words) // 2)
    overrides = to_hydra_overrides(words[1::2])
    return [(override.key_or_group, override.value()) for override in overrides]


@given(VALUES)
def test_dvc_reads_back_every_value(value):
    assert parsed(settings.options({"a": {"b": value}})) == [("a.b", value)]


def test_settings_given_as_words_are_text_and_come_last():
    words = ["archive=/data/my storms, 1=2"]
    assert parsed(settings.options({"archive": None}, words)) == [
        ("archive", None),
        ("archive", "/data/my storms, 1=2"),
    ]


def test_word_that_sets_nothing_is_refused():
    with pytest.raises(ValueError, match="expected key=value"):
        settings.options({}, ["archive"])


@pytest.mark.parametrize("text", ["", "- a", "word"])
def test_overlay_that_is_no_mapping_is_refused(text, tmp_path):
    file = tmp_path / "overlay.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match="expected sections"):
        settings.read(file)


def test_overlay_that_is_not_yaml_is_one_sentence_with_the_line(tmp_path):
    file = tmp_path / "overlay.yaml"
    file.write_text("verify:\n  members: [8\n")
    with pytest.raises(ValueError, match=r"overlay\.yaml, line 3 is not valid YAML \(.*") as told:
        settings.read(file)
    assert "\n" not in str(told.value)
