"""A program of its own, the only one that may go online to the Hugging Face hub: OWNER/REPO COMMIT FOLDER."""

import sys

from huggingface_hub import snapshot_download


def main(repo: str, commit: str, folder: str) -> None:
    """Download every file of the commit; where that fails, exit 1 with the reason on one line."""
    try:
        snapshot_download(repo, revision=commit, local_dir=folder)
    except Exception as error:
        # The hub's client raises a dozen kinds of errors; for the user each is a download that failed.
        sys.exit("ERROR " + " ".join(str(error).split() or [type(error).__name__]))


if __name__ == "__main__":
    main(*sys.argv[1:])
