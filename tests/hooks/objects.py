"""An object store in memory: objects appear when they are committed, uploads come in blocks."""

from __future__ import annotations

from typing import Any, ClassVar

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem  # type: ignore[import-untyped]  # it brings no types

__all__ = ["ObjectStore"]


class _Object(AbstractBufferedFile):  # type: ignore[misc]
    """One object that is read or written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.uploaded = b""
        if self.mode == "wb":
            self.fs.uploads.append(self)

    def _upload_chunk(self, final: bool = False) -> bool:  # noqa: FBT001, FBT002 - fsspec's signature
        self.uploaded += self.buffer.getvalue()
        if final and self.autocommit:
            self.commit()
        return True

    def commit(self) -> None:
        self.fs.objects[self.path] = self.uploaded

    def discard(self) -> None:
        self.uploaded = b""

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self.fs.objects[self.path][start:end]  # type: ignore[no-any-return]


class ObjectStore(AbstractFileSystem):  # type: ignore[misc]
    """The store; all of its instances hold the same objects."""

    protocol = "objects"
    cachable = False
    objects: ClassVar[dict[str, bytes]] = {}
    uploads: ClassVar[list[Any]] = []

    def info(self, path: str, **_kwargs: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        if path not in self.objects:
            raise FileNotFoundError(2, "No such file or directory", path)
        return {"name": path, "size": len(self.objects[path]), "type": "file"}

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> _Object:
        return _Object(self, path, mode, **kwargs)
