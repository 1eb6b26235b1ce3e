"""`python -m chaos`."""

if __name__ == "__main__":
    # Not above: the run's child processes load this module too, and need nothing of it.
    from chaos.run import main

    main()
