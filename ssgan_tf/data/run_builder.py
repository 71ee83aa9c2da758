"""Runs `tfds build` for a shipped builder: whatever is wrong with the input ends in one line instead of a traceback.

`ssgan data build` starts it as `python -m ssgan_tf.data.run_builder build <builder> [flags of tfds build]`.
"""

import os
import re
import sys

_UNKNOWN_FIELD = re.compile(r"\w*\.?__init__\(\) got an unexpected keyword argument (.*)")


def main() -> None:
    """Runs the program; exits with 2 if the input is invalid or a file cannot be read or written."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    from tensorflow_datasets.scripts.cli import main as tfds

    try:
        tfds.launch_cli()
    except (ValueError, OSError, AssertionError, RuntimeError) as error:
        _stop(str(error) or type(error).__name__)
    except TypeError as error:
        unknown = _UNKNOWN_FIELD.fullmatch(str(error))
        if unknown is None:
            raise
        _stop(f"--config: expected fields of this data set's configs. Received: {unknown[1]}.")


def _stop(message: str) -> None:
    sys.stdout.flush()
    print(" ".join(message.split()), file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
