"""The makers of the corpus, a module for each family of kinds."""

from file_types.makers import (
    archives,
    data,
    documents,
    pictures,
    programs,
    recordings,
    specified,
    texts,
)

ALL = (
    *recordings.SAMPLES, *pictures.SAMPLES, *documents.SAMPLES, *archives.SAMPLES, *data.SAMPLES,
    *programs.SAMPLES, *texts.SAMPLES, *specified.SAMPLES,
)  # fmt: skip

__all__ = ["ALL"]
