"""tuspyserver with its defaults; DIRECTORY is in the environment."""

import os

from fastapi import FastAPI
from tuspyserver import create_tus_router

app = FastAPI()
app.include_router(
    create_tus_router(prefix="files", files_dir=os.environ["DIRECTORY"], max_size=1 << 40)
)
