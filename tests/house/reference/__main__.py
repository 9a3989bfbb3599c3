"""`make docs`: write the tables anew into the pages, unless something lacks its sentence."""

import sys

from tests.house.reference import PAGES, REPOSITORY, listings
from tests.house.reference.listing import fill, lacking
from tests.house.reference.record import SCHEMA_FILE, json_schema


def main() -> int:
    """Write, or say what is lacking."""
    made = listings()
    faults = lacking(made)
    if faults:
        sys.stderr.write("\n".join((*faults, "")))
        return 1
    for name in PAGES:
        page = REPOSITORY / name
        page.write_text(fill(page.read_text(encoding="utf-8"), made), encoding="utf-8")
    (REPOSITORY / SCHEMA_FILE).write_text(json_schema(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
