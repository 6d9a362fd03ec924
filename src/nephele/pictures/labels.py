"""What a reader must know of the data before looking at a picture of them."""

from collections.abc import Mapping


def data_note(attributes: Mapping) -> str:
    """`SYNTHETIC` or `climatological environment`, from the attributes of the windows."""
    notes = []
    if int(attributes.get("synthetic", 0)):
        notes.append("SYNTHETIC")
    if attributes.get("environment") == "climatology":
        notes.append("climatological environment")
    return ", ".join(notes)
