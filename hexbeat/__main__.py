"""`python -m hexbeat`: the command line."""

from hexbeat.cli.main import main

if __name__ == "__main__":
    main()
