"""Where the releases of the Digital Typhoon Dataset keep the frames and the track of a storm.

    digital_typhoon/image/<storm>/   digital_typhoon/jma/<storm>.tsv     the early release
    image/<storm>/                   metadata/<storm>.csv                one basin of any release
    WP/image/<storm>/                WP/metadata/<storm>.csv             V1, and AU beside it: V2
    1/WP/image/<storm>/              1/WP/metadata/<storm>.csv           V3; 2 to 4 are other bands

`metadata.json` and `aux_data.csv`, which repeat what lies in these, are not needed.
"""

from collections.abc import Iterator
from pathlib import Path

IMAGES = ("image", "*/image", "1/*/image")  # the first band of V3 is that of V1 and V2
TRACKS = ("jma", "metadata", "track")
SUFFIXES = (".tsv", ".csv", ".json")


def storms(archive: Path) -> list[str]:
    """The storms of an archive, in the order of their names.

    Basins number their storms alike: where there are several, a storm is <basin>-<number>.

    Raises:
        ValueError: there is none.
    """
    folders = image_folders(archive)
    if not folders:
        raise ValueError(
            f"{archive / 'digital_typhoon' / 'image'}: no such folder, nor image, WP/image or "
            "1/WP/image, expected one folder of HDF5 frames a storm; point "
            "acquire.digital_typhoon.archive at an archive as docs/data.md lays it out"
        )
    names = sorted(
        prefix + storm.name
        for prefix, folder in _named(folders).items()
        for storm in storm_folders(folder)
    )
    if not names:
        raise ValueError(
            f"{folders[0]}: found no HDF5 frame, expected "
            "<storm>/<YYYYMMDDHH>-<storm>-<satellite>-<n>.h5; the archive is empty, "
            "copy the frames there"
        )
    return names


def images(archive: Path, storm: str) -> Path:
    """The folder with the frames of one of the storms of `storms`.

    Raises:
        ValueError: there is none.
    """
    for prefix, folder in _named(image_folders(archive)).items():
        found = folder / storm.removeprefix(prefix)
        if storm.startswith(prefix) and found.is_dir():
            return found
    raise ValueError(
        f"{archive}: found no folder of frames of the storm {storm}, expected one; "
        "copy the storm's frames there"
    )


def track(images: Path, storm: str) -> Path:
    """The track that belongs to a storm's folder of frames.

    Where there is none, the file that there should be.
    """
    basin = images.parent.parent
    candidates = [basin / folder / f"{storm}{suffix}" for folder in TRACKS for suffix in SUFFIXES]
    return next((path for path in candidates if path.is_file()), candidates[0])


def image_folders(archive: Path) -> list[Path]:
    """The folders of an archive that have one folder a storm."""
    return sorted(path for pattern in IMAGES for path in archive.glob(pattern) if path.is_dir())


def storm_folders(images: Path) -> Iterator[Path]:
    """The folders with frames in a folder of images."""
    return (path for path in images.iterdir() if any(path.glob("*.h5")))


def _named(folders: list[Path]) -> dict[str, Path]:
    """The folders by what the names of their storms begin with."""
    if len(folders) == 1:
        return {"": folders[0]}
    return {f"{folder.parent.name}-": folder for folder in folders}
