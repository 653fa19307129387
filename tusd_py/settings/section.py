"""Defines the base of all sections of the settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Is the base of all sections: frozen; an unknown name and an infinite number are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
