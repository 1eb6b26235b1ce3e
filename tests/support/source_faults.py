"""Everything a source can do wrong: each fault as a script, with what lakefill makes of it.

docs/reliability.md is written from this list, and tests/test_source_faults.py runs it.
"""

from tests.support.faults_in_answers import IN_ANSWERS
from tests.support.faults_in_content import IN_CONTENT
from tests.support.faults_in_transit import IN_TRANSIT

FAULTS = [*IN_TRANSIT, *IN_ANSWERS, *IN_CONTENT]
