"""Downloads the images whose URLs an item has: as JPEG, with thumbnails, if they are large enough."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any, ClassVar

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.hooks import settle
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.items import adapter
from aioscrapy.pipelines.files import FilesPipeline
from aioscrapy.pipelines.files_stores import _md5sum
from aioscrapy.pipelines.media import FileException, Results


class ImageException(FileException):
    """An image can't be used."""


class ImagesPipeline(FilesPipeline):
    """Downloads the URLs in an item's `image_urls`, and writes the results to its `images`.

    Needs Pillow. The arguments are those of FilesPipeline.
    """

    MEDIA_NAME = "image"
    MIN_WIDTH = 0
    MIN_HEIGHT = 0
    THUMBS: ClassVar[dict[str, tuple[int, int]]] = {}
    DEFAULT_IMAGES_URLS_FIELD = "image_urls"
    DEFAULT_IMAGES_RESULT_FIELD = "images"
    _store_setting = "IMAGES_STORE"
    _acl_settings: ClassVar[dict[str, str]] = {"s3": "IMAGES_STORE_S3_ACL", "gs": "IMAGES_STORE_GCS_ACL"}

    def __init__(
        self,
        store_uri: "str | os.PathLike[str]",
        download_func: Any = None,
        settings: Any = None,
        *,
        crawler: CrawlContext | None = None,
    ) -> None:
        try:
            from PIL import Image, ImageOps
        except ImportError:
            text = "ImagesPipeline needs Pillow: pip install 'aioscrapy-scrapyd[images]'"
            raise NotConfigured(text) from None
        self._Image: Any = Image
        self._ImageOps: Any = ImageOps
        super().__init__(store_uri, download_func, settings, crawler=crawler)
        base = "ImagesPipeline"
        self.expires = int(self._setting("IMAGES_EXPIRES", self.EXPIRES, base=base))
        self.IMAGES_URLS_FIELD = getattr(self, "IMAGES_URLS_FIELD", self.DEFAULT_IMAGES_URLS_FIELD)
        self.IMAGES_RESULT_FIELD = getattr(self, "IMAGES_RESULT_FIELD", self.DEFAULT_IMAGES_RESULT_FIELD)
        self.images_urls_field = self._setting("IMAGES_URLS_FIELD", self.IMAGES_URLS_FIELD, base=base)
        self.images_result_field = self._setting("IMAGES_RESULT_FIELD", self.IMAGES_RESULT_FIELD, base=base)
        self.min_width = int(self._setting("IMAGES_MIN_WIDTH", self.MIN_WIDTH, base=base))
        self.min_height = int(self._setting("IMAGES_MIN_HEIGHT", self.MIN_HEIGHT, base=base))
        thumbs = self._setting("IMAGES_THUMBS", self.THUMBS, base=base)
        self.thumbs = json.loads(thumbs) if isinstance(thumbs, str) else thumbs

    def get_media_requests(self, item: Any, info: Any) -> Any:
        return self._requests(item, self.images_urls_field)

    async def file_downloaded(
        self, response: Response, request: Request, info: Any, *, item: Any = None
    ) -> str:
        checksum: str = await settle(self.image_downloaded(response, request, info, item=item))
        return checksum

    async def image_downloaded(
        self, response: Response, request: Request, info: Any, *, item: Any = None
    ) -> str:
        """Store the image of a response and its thumbnails, and return the MD5 of the image."""
        checksum = ""
        for path, image, buf in self.get_images(response, request, info, item=item):
            if not checksum:
                buf.seek(0)
                checksum = _md5sum(buf)
            size = {"width": image.size[0], "height": image.size[1]}
            headers = {"Content-Type": "image/jpeg"}
            await self.persist_file(path, buf, info, meta=size, headers=headers)
        return checksum

    def get_images(
        self, response: Response, request: Request, info: Any, *, item: Any = None
    ) -> Iterator[tuple[str, Any, BytesIO]]:
        """Yield (path, image, its bytes) of the image and of its thumbnails.

        Raises:
            ImageException: the image is too small.
        """
        path = self.file_path(request, response=response, info=info, item=item)
        original = self._ImageOps.exif_transpose(self._Image.open(BytesIO(response.body)))
        width, height = original.size
        if width < self.min_width or height < self.min_height:
            limit = f"{self.min_width}x{self.min_height}"
            raise ImageException(f"Image too small ({width}x{height} < {limit})")
        image, buf = self.convert_image(original, response_body=BytesIO(response.body))
        yield path, image, buf
        for name, size in self.thumbs.items():
            thumb_path = self.thumb_path(request, name, response=response, info=info, item=item)
            thumb, thumb_buf = self.convert_image(image, size, response_body=buf)
            yield thumb_path, thumb, thumb_buf

    def convert_image(
        self, image: Any, size: tuple[int, int] | None = None, *, response_body: BytesIO
    ) -> tuple[Any, BytesIO]:
        """Return an image as RGB on white, at most as large as `size`, and its bytes as JPEG.

        Args:
            image: of Pillow.
            size: width and height in pixels; None keeps them.
            response_body: the bytes of the image, which stay if it is a JPEG already.
        """
        with_alpha = image.mode == "P" or (image.format in {"PNG", "WEBP"} and image.mode == "RGBA")
        if with_alpha:
            layer = image.convert("RGBA")
            white = self._Image.new("RGBA", image.size, (255, 255, 255))
            white.paste(layer, layer)
            image = white.convert("RGB")
        elif image.mode != "RGB":
            image = image.convert("RGB")
        if size:
            image = image.copy()
            image.thumbnail(size, self._Image.Resampling.LANCZOS)
        elif image.format == "JPEG":
            return image, response_body
        buf = BytesIO()
        image.save(buf, "JPEG")
        return image, buf

    def item_completed(self, results: Results, item: Any, info: Any) -> Any:
        with suppress(KeyError):  # an Item without this field
            adapter(item)[self.images_result_field] = [result for ok, result in results if ok]
        return item

    def file_path(
        self, request: Request, response: Response | None = None, info: Any = None, *, item: Any = None
    ) -> str:
        return f"full/{_digest(request)}.jpg"

    def thumb_path(
        self,
        request: Request,
        thumb_id: str,
        response: Response | None = None,
        info: Any = None,
        *,
        item: Any = None,
    ) -> str:
        """Return the path of a thumbnail below the store."""
        return f"thumbs/{thumb_id}/{_digest(request)}.jpg"


def _digest(request: Request) -> str:
    return hashlib.sha1(request.url.encode(), usedforsecurity=False).hexdigest()
