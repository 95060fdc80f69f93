"""Words that readers of YAML disagree about, and the place of a parser's error: for every strict reader and the writer.

Which of them a reader refuses is its own rule: `webhook/cli/files.py` reads manifests as kubectl does,
`webhook/policy/loading/document.py` reads policies, which may hold fewer types.
"""

from __future__ import annotations

import re

import yaml

# Booleans of YAML 1.1 (yaml.org/type/bool.html). PyYAML reads the letters as strings; kubectl and Helm do not.
# A pattern of PyYAML's resolvers matches at the beginning alone, so that it needs its own end.
LETTER_BOOLEAN = re.compile(r"[yYnN]\Z")
# The others, as far as YAML 1.2 and JSON do not know them as booleans too.
WORD_BOOLEAN = re.compile("yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|True|TRUE|False|FALSE")
# Numbers of base sixty of YAML 1.1, which are strings to YAML 1.2 and kubectl.
SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
# Numbers with an exponent of YAML 1.2, such as a serial number of digits and one `e`, which PyYAML has as strings.
EXPONENT = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+")
# Octal numbers of YAML 1.2, which are strings to YAML 1.1.
OCTAL = re.compile("[-+]?0o[0-7_]+")


def place_of(error: yaml.MarkedYAMLError) -> str:
    """`:LINE:COLUMN` of a parser's error, counted from 1; empty where the parser names none."""
    mark = error.problem_mark or error.context_mark
    return f":{mark.line + 1}:{mark.column + 1}" if mark else ""
