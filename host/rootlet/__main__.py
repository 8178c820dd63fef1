"""``python -m rootlet``."""

from rootlet.cli import main

if __name__ == "__main__":
    main()
