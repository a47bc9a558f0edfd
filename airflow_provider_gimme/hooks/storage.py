"""The site's storage: large bodies as files of a workflow, referred to by plain data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from airflow_provider_gimme.errors import ExpressionError, StepError
from airflow_provider_gimme.hooks.writing import LocalFile, ObjectFile, Writer
from airflow_provider_gimme.http.multipart import FileBody
from airflow_provider_gimme.plan.saved import check_saved_path, is_saved, saved_name

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

__all__ = ["Storage", "storage_url"]

_LOCAL = frozenset({"", "file", "local"})
_BLOCK_BYTES = 8 * 1024 * 1024


def storage_url() -> str:
    """Return where the site keeps what is saved: ``[gimme] storage``, else a folder in Airflow's home."""
    from airflow.sdk.configuration import conf

    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    return conf.get("gimme", "storage", fallback="") or f"file://{home}/gimme_storage"


class Storage:
    """What one workflow has saved; nothing of another one can be read or written through it."""

    def __init__(self, url: str, dag_id: str) -> None:
        """Describe the storage of a Dag under a URL that ``ObjectStoragePath`` knows; nothing is opened yet.

        :raises StepError: where nothing knows the URL.
        """
        from airflow.sdk import ObjectStoragePath

        self.folder = _folder_name(dag_id)
        try:
            self._root: ObjectStoragePath = ObjectStoragePath(url)
            self._fs = self._root.fs
        except (ValueError, ImportError):
            raise StepError(
                f"[gimme] storage is a URL of '{url.partition(':')[0]}', which nothing here knows. "
                "Install Airflow's provider for it on all workers, or name another place."
            ) from None

    @classmethod
    def of(cls, dag_id: str) -> Storage:
        """Return the site's storage for a Dag."""
        return cls(storage_url(), dag_id)

    def writer(self, path: str) -> Writer:
        """Return a sink for a file; ``path`` is relative to the Dag's folder.

        :raises ExpressionError: where it could lead out of the folder.
        :raises StepError: where a link leads out of it.
        """
        whole = f"{self.folder}/{check_saved_path(path)}"
        if self._is_local:
            return Writer(LocalFile(self._local(whole)), whole)
        return Writer(ObjectFile(self._fs, self._remote(whole), _BLOCK_BYTES), whole)

    def open(self, reference: Mapping[str, Any]) -> BinaryIO:
        """Open a saved file for reading; it blocks, as its reads do.

        :raises StepError: where the reference is not one of this Dag, or the file is gone or was replaced.
        """
        whole = self._whole(reference)
        try:
            if self._is_local:
                opened: BinaryIO = self._local(whole).open("rb")
                size = os.fstat(opened.fileno()).st_size
            else:
                fs, path = self._fs, self._remote(whole)
                size = int(fs.info(path)["size"])
                opened = cast("BinaryIO", fs.open(path, "rb", block_size=_BLOCK_BYTES, cache_type="readahead"))
        except OSError as error:
            raise StepError(
                f"the saved file '{whole}' cannot be read: {error.strerror or type(error).__name__}. "
                "Clear the step that saved it, and what follows."
            ) from None
        if size != reference.get("bytes", size):
            opened.close()
            raise StepError(
                f"the saved file '{whole}' was replaced: it has {size:,} bytes, not {reference['bytes']:,}. "
                "Another run has saved under the same path; write '{{ run.id }}' in 'save_to'."
            )
        return opened

    def delete(self, path: str) -> None:
        """Remove a file, if it is there; ``path`` is relative to the Dag's folder.

        :raises ExpressionError: where it could lead out of the folder.
        :raises StepError: where a link leads out of it.
        """
        whole = f"{self.folder}/{check_saved_path(path)}"
        if self._is_local:
            self._local(whole).unlink(missing_ok=True)
            return
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._remote(whole))

    def file(self, reference: Mapping[str, Any]) -> FileBody:
        """Return a saved file as the body of a request, or as a part of it.

        :raises StepError: as :meth:`open` does.
        """
        with self.open(reference) as opened:
            size = opened.seek(0, os.SEEK_END)
        media_type = str(reference.get("media_type") or "application/octet-stream")
        return FileBody(saved_name(reference), size, lambda: self.open(reference), media_type)

    def lines(self, reference: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the values of a saved file of JSON lines, in constant memory; blank lines are left out.

        :raises StepError: as :meth:`open` does, and naming the line, from 1, that is not JSON.
        """
        with self.open(reference) as opened:
            for number, line in enumerate(opened, start=1):
                if not line.strip():
                    continue
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError):
                    raise StepError(f"line {number} of the saved file '{self._whole(reference)}' is not JSON") from None
                yield value

    @property
    def _is_local(self) -> bool:
        return self._root.protocol in _LOCAL

    def _whole(self, reference: Mapping[str, Any]) -> str:
        """Return the path of a reference, which an answer may have made up."""
        folder, _, rest = str(reference["path"]).partition("/") if is_saved(reference) else ("", "", "")
        try:
            if folder == self.folder and check_saved_path(rest):
                return f"{folder}/{rest}"
        except ExpressionError:
            pass
        raise StepError(
            "this is not a reference to a file that this workflow has saved. "
            "A step reads what 'save_to' of a step of its own workflow has given."
        )

    def _local(self, whole: str) -> Path:
        root = Path(self._root.path)
        path, folder = Path(os.path.realpath(root / whole)), Path(os.path.realpath(root)) / self.folder
        if folder not in path.parents:
            raise StepError(f"'{whole}' leads out of the workflow's folder in the storage by a link. Remove the link.")
        return path

    def _remote(self, whole: str) -> str:
        return f"{self._root.path.rstrip('/')}/{whole}"


def _folder_name(dag_id: str) -> str:
    """Return the name of a Dag's folder: its id, but for what a path would take for another thing."""
    return dag_id.replace(".", "%2E") if dag_id.strip(".") == "" else dag_id.replace("/", "%2F")
