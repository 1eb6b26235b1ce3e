"""lakefill: keeps a Cloud Storage lake filled with public files that appear on a calendar."""

__version__ = "0.1.0"
