"""ArgumentParser: invalid input ends a program with one line and exit code 2."""

import logging
import subprocess
import sys

import pytest

from ssgan_tf.utils import program


@pytest.fixture
def parser() -> program.ArgumentParser:
    parser = program.ArgumentParser("Measures.\n\n    an example\n")
    parser.add_argument("--set", dest="settings")
    parser.add_argument("--count", type=int, default=3)
    return parser


def test_arguments_that_cannot_be_parsed_print_one_line_without_the_usage(parser, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--count=many"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "error: argument --count: invalid int value: 'many' (see --help)\n"


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        ("set: expected name=value.", "error: --set: expected name=value.\n"),
        ("a line\n  and another", "error: a line and another\n"),
        ("data.dataset: expected a name.", "error: data.dataset: expected a name.\n"),
        ("settings: not the name of a flag.", "error: settings: not the name of a flag.\n"),
    ],
)
def test_an_argument_of_a_function_is_named_as_the_flag(parser, message: str, printed: str, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        parser.stop(ValueError(message))
    assert (end.value.code, capsys.readouterr().err) == (2, printed)


def test_the_description_is_printed_as_it_is_written(parser) -> None:
    assert "Measures.\n\n    an example\n" in parser.format_help()


def test_importing_it_does_not_import_tensorflow() -> None:
    """Or --help, and tools that need no TensorFlow, would wait seconds for it."""
    code = "import sys, ssgan_tf.utils.program; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5 out of the last 23 calls to <function f> triggered tf.function retracing. Tracing is expensive", False),
        ("Callback method `on_train_batch_end` is slow compared to the batch time", False),
        ("Layer x has not been restored", True),
    ],
)
def test_warnings_about_what_is_meant_so_are_left_out(text: str, shown: bool) -> None:
    record = logging.LogRecord("tensorflow", logging.WARNING, __file__, 1, text, None, None)
    assert program._worth_reading(record) is shown
