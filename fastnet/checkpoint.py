"""A model in one safetensors file: written whole or not at all, read without running anything."""

from fastnet.models.saved import load_model, save_model

__all__ = ["load_model", "save_model"]
