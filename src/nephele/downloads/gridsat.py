"""GridSat-B1 in NOAA's public bucket: one global NetCDF file every 3 h, data/<year>/<name>.

The bucket's listing has the size and, as ETag, the MD5 of each file; no account is needed.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pandas as pd
from boto3.s3.transfer import TransferConfig  # type: ignore[import-untyped]
from botocore import UNSIGNED  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from nephele.downloads.params import GridSatParams, RetryParams
from nephele.downloads.patience import PASSING_STATUS, PassingError, patiently

HOURS = 3
REGION = "us-east-1"  # where the public bucket lies
NAME = "GRIDSAT-B1.%Y.%m.%d.%H.v02r01.nc"
MD5_LENGTH = 32  # hexadecimal digits; the ETag of a file sent in pieces has more, and is no MD5


@dataclass(frozen=True)
class Stored:
    """A file in the bucket."""

    key: str
    size: int  # bytes
    tag: str

    @property
    def name(self) -> str:
        """Without its folder."""
        return self.key.rpartition("/")[2]


class Bucket:
    """The files of a bucket, read without signing. Threads may share it."""

    def __init__(self, params: GridSatParams, retries: RetryParams) -> None:
        self._bucket, self._retries = params.bucket, retries
        self._client = boto3.client(
            "s3",
            endpoint_url=params.endpoint,
            region_name=REGION,
            config=Config(
                signature_version=UNSIGNED,
                connect_timeout=retries.timeout,
                read_timeout=retries.timeout,
                max_pool_connections=params.parallel,
                retries={"mode": "standard", "total_max_attempts": 1},
            ),
        )

    def find(self, times: Iterable[pd.Timestamp]) -> dict[pd.Timestamp, Stored]:
        """The files of `times`, of those that the bucket has.

        Raises:
            ValueError: there is no such bucket, or it was out of reach for too long.
        """
        wanted = {time.strftime(NAME): time for time in times}
        found: dict[pd.Timestamp, Stored] = {}
        for year in sorted({time.year for time in wanted.values()}):
            prefix = f"data/{year}/"
            listing = patiently(
                lambda prefix=prefix: self._listed(prefix),  # type: ignore[misc]
                f"s3://{self._bucket}/{prefix}",
                self._retries,
            )
            found |= {wanted[file.name]: file for file in listing if file.name in wanted}
        return found

    def fetch(self, file: Stored, target: Path) -> None:
        """`file` as `target`, of the size and with the MD5 of the listing.

        Raises:
            ValueError: it is not there, or was out of reach for too long.
        """
        what = f"s3://{self._bucket}/{file.key}"
        patiently(lambda: self._attempt(file, target), what, self._retries)

    def _listed(self, prefix: str) -> list[Stored]:
        pages = self._client.get_paginator("list_objects_v2")
        try:
            return [
                Stored(entry["Key"], entry["Size"], entry["ETag"].strip('"'))
                for page in pages.paginate(Bucket=self._bucket, Prefix=prefix)
                for entry in page.get("Contents", [])
            ]
        except (BotoCoreError, ClientError) as error:
            raise self._judged(error, prefix) from None

    def _attempt(self, file: Stored, target: Path) -> None:
        try:
            # In this thread: others fetch other files meanwhile.
            self._client.download_file(
                self._bucket, file.key, str(target), Config=TransferConfig(use_threads=False)
            )
        except (BotoCoreError, ClientError) as error:
            raise self._judged(error, file.key) from None
        if (size := target.stat().st_size) != file.size:
            raise PassingError(f"{size} bytes, expected {file.size}")
        if len(file.tag) == MD5_LENGTH and md5(target) != file.tag:
            raise PassingError(f"its MD5 is not {file.tag}, which the listing has")

    def _judged(self, error: Exception, key: str) -> Exception:
        if not isinstance(error, ClientError):
            return PassingError(f"the connection broke ({type(error).__name__})")
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        code = error.response["Error"]["Code"]
        if status in PASSING_STATUS:
            return PassingError(f"the bucket answers {status} {code}")
        return ValueError(
            f"s3://{self._bucket}/{key}: the bucket answers {status} {code}, expected a public "
            "file; correct download.gridsat in params.yaml"
        )


def md5(path: Path) -> str:
    """The MD5 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
