"""Names of folders that a person may choose, and that a program may take for something else."""

ODD_NAMES = [
    "a[1]", "a\\b", "[!x]", "*", "?", "%s%d", "$HOME", "a, b", " ", "{}", "~", "grün 猫", "two\nlines", "'\"`;&|<>#",
]  # fmt: skip
EVERYTHING = "".join(ODD_NAMES)
