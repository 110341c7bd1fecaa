#!/usr/bin/env python3
"""Answer questions.sql from data/ with Python's own SQLite, into answers.json.

    python3 answers.py                 # write answers.json
    python3 answers.py --check         # compare answers.json with what would be written
    python3 answers.py --print         # show the answers as tables

Loading the rows also proves what README.md says of keys: the primary, unique and foreign keys below are enforced.
"""

import csv
import gzip
import json
import re
import sqlite3
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

SCHEMA = """
CREATE TABLE airlines (
    carrier VARCHAR(2) PRIMARY KEY NOT NULL,
    name VARCHAR(64) NOT NULL
) STRICT;
CREATE TABLE airports (
    faa VARCHAR(3) PRIMARY KEY NOT NULL,
    name VARCHAR(64) NOT NULL,
    lat DOUBLE PRECISION NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    alt INTEGER NOT NULL,
    tz INTEGER NOT NULL,
    dst VARCHAR(1) NOT NULL,
    tzone VARCHAR(32) NOT NULL
) STRICT;
CREATE TABLE planes (
    tailnum VARCHAR(6) PRIMARY KEY NOT NULL,
    year INTEGER,
    type VARCHAR(32) NOT NULL,
    manufacturer VARCHAR(64) NOT NULL,
    model VARCHAR(32) NOT NULL,
    engines INTEGER NOT NULL,
    seats INTEGER NOT NULL,
    speed INTEGER,
    engine VARCHAR(16) NOT NULL
) STRICT;
CREATE TABLE weather (
    origin VARCHAR(3) NOT NULL REFERENCES airports (faa),
    year INTEGER NOT NULL,
    month INTEGER NOT NULL,
    day INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    temp DOUBLE PRECISION NOT NULL,
    dewp DOUBLE PRECISION NOT NULL,
    humid DOUBLE PRECISION NOT NULL,
    wind_dir INTEGER,
    wind_speed DOUBLE PRECISION NOT NULL,
    wind_gust DOUBLE PRECISION,
    precip DOUBLE PRECISION NOT NULL,
    pressure DOUBLE PRECISION,
    visib DOUBLE PRECISION NOT NULL,
    time_hour TIMESTAMP NOT NULL,
    PRIMARY KEY (origin, time_hour)
) STRICT;
CREATE TABLE flights (
    id INTEGER PRIMARY KEY,
    year INTEGER NOT NULL,
    month INTEGER NOT NULL,
    day INTEGER NOT NULL,
    dep_time INTEGER,
    sched_dep_time INTEGER NOT NULL,
    dep_delay INTEGER,
    arr_time INTEGER,
    sched_arr_time INTEGER NOT NULL,
    arr_delay INTEGER,
    carrier VARCHAR(2) NOT NULL REFERENCES airlines (carrier),
    flight INTEGER NOT NULL,
    tailnum VARCHAR(6),
    origin VARCHAR(3) NOT NULL REFERENCES airports (faa),
    dest VARCHAR(3) NOT NULL,
    air_time INTEGER,
    distance INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    time_hour TIMESTAMP NOT NULL,
    UNIQUE (time_hour, carrier, flight)
) STRICT;
"""

# What a STRICT table of SQLite calls the types above. It refuses what cannot be converted without loss.
STRICT = {r"VARCHAR\(\d+\)|TIMESTAMP": "TEXT", "DOUBLE PRECISION": "REAL"}


def load():
    """An in-memory database with all rows of data/."""
    schema = SCHEMA
    for portable, strict in STRICT.items():
        schema = re.sub(portable, strict, schema)
    db = sqlite3.connect(":memory:")
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(schema)
    for table in re.findall(r"CREATE TABLE (\w+)", schema):
        with gzip.open(HERE / "data" / f"{table}.csv.gz", "rt", encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        places = ", ".join("?" * len(header))
        db.executemany(
            f"INSERT INTO {table} ({', '.join(header)}) VALUES ({places})",
            ([None if cell == "" else cell for cell in row] for row in rows),
        )
    return db


def questions():
    """Number, title and SQL of every question."""
    parts = re.split(r"^-- (\d+)\. (.*)$", (HERE / "questions.sql").read_text(encoding="utf-8"), flags=re.M)[1:]
    for number, title, sql in zip(parts[::3], parts[1::3], parts[2::3]):
        yield int(number), title, sql.strip().removesuffix(";")


def answers():
    db = load()
    for number, title, sql in questions():
        cursor = db.execute(sql)
        columns = [column[0] for column in cursor.description]
        rows = [list(row) for row in cursor]
        assert not any(isinstance(value, float) for row in rows for value in row), f"question {number} has a float"
        yield {"number": number, "title": title, "columns": columns, "rows": rows}


def to_json(found):
    """JSON with a row a line, so that a difference shows which."""
    def line(value):
        return json.dumps(value, ensure_ascii=False)

    blocks = []
    for answer in found:
        head = [f'  "{key}": {line(answer[key])},' for key in ("number", "title", "columns")]
        rows = ",\n".join("    " + line(row) for row in answer["rows"])
        blocks.append("\n".join([" {", *head, '  "rows": [', rows, "  ]", " }"]))
    return "[\n" + ",\n".join(blocks) + "\n]\n"


def show(found):
    for answer in found:
        print(f"\n{answer['number']}. {answer['title']}\n")
        lines = [answer["columns"], *answer["rows"]]
        cells = [["" if value is None else str(value) for value in line] for line in lines]
        widths = [max(map(len, column)) for column in zip(*cells)]
        for row in cells:
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    found = list(answers())
    file = HERE / "answers.json"
    if "--print" in sys.argv[1:]:
        show(found)
    elif "--check" in sys.argv[1:]:
        if file.read_text(encoding="utf-8") != to_json(found):
            sys.exit("answers.json differs from the answers to questions.sql")
    else:
        file.write_text(to_json(found), encoding="utf-8")


if __name__ == "__main__":
    main()
