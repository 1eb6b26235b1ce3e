"""`python -m ingest` is `lakefill`."""

from ingest.cli import main

if __name__ == "__main__":
    main()
