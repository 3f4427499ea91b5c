"""`python -m devicelog` and the entry point `devicelog`."""

from devicelog.cli.commands import main

if __name__ == "__main__":
    main()
