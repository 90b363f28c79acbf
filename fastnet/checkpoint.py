"""A model in one safetensors file: written whole or not at all, read without running anything."""

from fastnet.models.loaded import load_model
from fastnet.models.saved import save_model

__all__ = ["load_model", "save_model"]
