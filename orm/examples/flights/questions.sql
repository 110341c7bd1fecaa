-- The example's eight questions in plain SQL, one text for SQLite, PostgreSQL, MariaDB and MySQL.
--
-- Each question starts with "-- N. title" and ends with a semicolon, there is no other semicolon in this file.
-- Answers hold text, whole numbers and NULL only. A mean is given as its sum and its count, because databases round
-- differently, and compared as a product ("sum > 10 * count"). Every ORDER BY is total, and sorts text only by codes
-- (capital letters and digits), which all collations order alike.

-- 1. How many flights did each airline schedule and operate, and how late did they leave?
SELECT
    al.carrier,
    al.name,
    COUNT(*) AS scheduled,
    COUNT(f.dep_time) AS departed,
    SUM(f.dep_delay) AS delay_minutes
FROM flights f
JOIN airlines al ON al.carrier = f.carrier
GROUP BY al.carrier, al.name
ORDER BY scheduled DESC, al.carrier;

-- 2. Which destinations got at least 450 flights, and from how many airlines? (SJU has no row in airports.)
SELECT
    f.dest,
    ap.name,
    COUNT(*) AS scheduled,
    COUNT(DISTINCT f.carrier) AS carriers
FROM flights f
LEFT JOIN airports ap ON ap.faa = f.dest
GROUP BY f.dest, ap.name
HAVING COUNT(*) >= 450
ORDER BY scheduled DESC, f.dest;

-- 3. At which hours (of 30 departures or more) do flights leave over 10 minutes late on average, from each airport?
SELECT
    f.origin,
    f.hour,
    COUNT(f.dep_delay) AS departed,
    SUM(f.dep_delay) AS delay_minutes,
    MAX(f.dep_delay) AS longest_delay
FROM flights f
GROUP BY f.origin, f.hour
HAVING COUNT(f.dep_delay) >= 30 AND SUM(f.dep_delay) > 10 * COUNT(f.dep_delay)
ORDER BY f.origin, f.hour;

-- 4. What are the three most frequent destinations from each airport?
WITH routes AS (
    SELECT f.origin, f.dest, COUNT(*) AS scheduled
    FROM flights f
    GROUP BY f.origin, f.dest
),
ranked AS (
    SELECT
        r.origin,
        r.dest,
        r.scheduled,
        ROW_NUMBER() OVER (PARTITION BY r.origin ORDER BY r.scheduled DESC, r.dest) AS place
    FROM routes r
)
SELECT k.origin, k.place, k.dest, ap.name, k.scheduled
FROM ranked k
LEFT JOIN airports ap ON ap.faa = k.dest
WHERE k.place <= 3
ORDER BY k.origin, k.place;

-- 5. Which are the ten oldest large jets that flew, and for whom?
-- Smaller planes are left out because AA and MQ report fleet numbers, some of which are tail numbers of private planes.
SELECT
    p.tailnum,
    p.year,
    p.manufacturer,
    p.model,
    f.carrier,
    COUNT(*) AS departed
FROM planes p
JOIN flights f ON f.tailnum = p.tailnum
WHERE p.year IS NOT NULL
    AND p.seats >= 100
    AND p.engine IN ('Turbo-fan', 'Turbo-jet')
    AND f.dep_time IS NOT NULL
GROUP BY p.tailnum, p.year, p.manufacturer, p.model, f.carrier
ORDER BY p.year, p.tailnum, f.carrier
LIMIT 10;

-- 6. What does the weather at departure do to delays and cancellations?
SELECT
    o.sky,
    COUNT(*) AS scheduled,
    SUM(CASE WHEN o.dep_delay IS NULL THEN 1 ELSE 0 END) AS cancelled,
    SUM(CASE WHEN o.dep_delay >= 60 THEN 1 ELSE 0 END) AS hour_late,
    SUM(o.dep_delay) AS delay_minutes
FROM (
    SELECT
        f.dep_delay,
        CASE
            WHEN w.origin IS NULL THEN 'not observed'
            WHEN w.visib < 3 THEN 'visibility below 3 miles'
            WHEN w.precip > 0 THEN 'rain or snow'
            ELSE 'clear'
        END AS sky
    FROM flights f
    LEFT JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
) o
GROUP BY o.sky
ORDER BY scheduled DESC, o.sky;

-- 7. Which airlines fly from all three of New York's airports, and to how many destinations?
SELECT
    al.carrier,
    al.name,
    (SELECT COUNT(DISTINCT f.dest) FROM flights f WHERE f.carrier = al.carrier) AS destinations
FROM airlines al
WHERE NOT EXISTS (
    SELECT 1
    FROM airports ap
    WHERE ap.faa IN ('EWR', 'JFK', 'LGA')
        AND NOT EXISTS (SELECT 1 FROM flights f WHERE f.carrier = al.carrier AND f.origin = ap.faa)
)
ORDER BY destinations DESC, al.carrier;

-- 8. On which days did an airline with at least 20 flights cancel one in eight of them or more?
SELECT
    f.month,
    f.day,
    f.carrier,
    COUNT(*) AS scheduled,
    SUM(CASE WHEN f.dep_time IS NULL THEN 1 ELSE 0 END) AS cancelled
FROM flights f
GROUP BY f.month, f.day, f.carrier
HAVING COUNT(*) >= 20 AND 8 * SUM(CASE WHEN f.dep_time IS NULL THEN 1 ELSE 0 END) >= COUNT(*)
ORDER BY f.month, f.day, f.carrier;
