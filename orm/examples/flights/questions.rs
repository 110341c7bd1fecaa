//! The eight questions of `questions.sql`, as typed statements. A statement is a value: nothing here needs a database.

use relata::prelude::*;

use super::entities::*;

/// 1. How many flights did each airline schedule and operate, and how late did they leave?
pub fn airlines() -> Select<(String, String, i64, i64, Option<i64>)> {
    select((Airline::carrier, Airline::name, count_all(), count(Flight::dep_time), sum(Flight::dep_delay)))
        .join(Airline::flights)
        .group_by((Airline::carrier, Airline::name))
        .order_by((count_all().desc(), Airline::carrier))
}

/// 2. Which destinations got at least 450 flights, and from how many airlines? An airport may be missing.
pub fn destinations() -> Select<(String, Option<String>, i64, i64)> {
    select((Flight::dest, Airport::name.optional(), count_all(), count_distinct(Flight::carrier)))
        .left_join(Flight::to)
        .group_by((Flight::dest, Airport::name))
        .having(count_all().ge(450))
        .order_by((count_all().desc(), Flight::dest))
}

/// 3. At which hours (of 30 departures or more) do flights leave over 10 minutes late on average, from each airport?
pub fn late_hours() -> Select<(String, i32, i64, Option<i64>, Option<i32>)> {
    let departed = count(Flight::dep_delay);
    let minutes = sum(Flight::dep_delay);
    select((Flight::origin, Flight::hour, &departed, &minutes, max(Flight::dep_delay)))
        .group_by((Flight::origin, Flight::hour))
        .having(departed.clone().ge(30))
        .having(minutes.gt(departed * 10))
        .order_by((Flight::origin, Flight::hour))
}

/// 4. What are the three most frequent destinations from each airport?
pub fn top_destinations() -> Select<(String, i64, String, Option<String>, i64)> {
    let routes = select((Flight::origin, Flight::dest, count_all().label("scheduled")))
        .group_by((Flight::origin, Flight::dest))
        .cte("routes");
    let (origin, dest, scheduled) = routes.columns();

    let most_first = window().partition_by(&origin).order_by((scheduled.clone().desc(), &dest));
    let place = over(row_number(), most_first).label("place");
    let ranked = select((origin, dest, scheduled, place)).from(routes).cte("ranked");
    let (origin, dest, scheduled, place) = ranked.columns();

    select((&origin, &place, &dest, Airport::name.optional(), scheduled))
        .from(ranked)
        .left_join_on(Airport::entity(), Airport::faa.eq(dest))
        .filter(place.clone().le(3))
        .order_by((origin, place))
}

/// 5. Which are the ten oldest large jets that flew, and for whom?
pub fn oldest_jets() -> Select<(String, Option<i32>, String, String, String, i64)> {
    select((Plane::tailnum, Plane::year, Plane::manufacturer, Plane::model, Flight::carrier, count_all()))
        .join(Plane::flights)
        .filter(Plane::year.is_not_null())
        .filter(Plane::seats.ge(100))
        .filter(Plane::engine.in_list(["Turbo-fan", "Turbo-jet"]))
        .filter(Flight::dep_time.is_not_null())
        .group_by((Plane::tailnum, Plane::year, Plane::manufacturer, Plane::model, Flight::carrier))
        .order_by((Plane::year, Plane::tailnum, Flight::carrier))
        .limit(10)
}

/// 6. What does the weather at departure do to delays and cancellations?
pub fn weather() -> Select<(String, i64, i64, i64, Option<i64>)> {
    let sky = case()
        .when(Weather::origin.is_null(), "not observed")
        .when(Weather::visib.lt(3.0), "visibility below 3 miles")
        .when(Weather::precip.gt(0.0), "rain or snow")
        .otherwise("clear");
    let observed =
        select((sky.label("sky"), Flight::dep_delay)).left_join(Flight::weather).subquery("observed");
    let (sky, delay) = observed.columns();

    let cancelled = count_where(delay.clone().is_null());
    let hour_late = count_where(delay.clone().ge(60));
    select((&sky, count_all(), cancelled, hour_late, sum(delay)))
        .from(observed)
        .group_by(&sky)
        .order_by((count_all().desc(), sky))
}

/// 7. Which airlines fly from all three of New York's airports, and to how many destinations?
pub fn everywhere() -> Select<(String, String, Option<i64>)> {
    let their_flights = Flight::select().filter(Flight::carrier.eq(Airline::carrier));
    let from_here = their_flights.clone().filter(Flight::origin.eq(Airport::faa));
    let not_served =
        Airport::select().filter(Airport::faa.in_list(["EWR", "JFK", "LGA"])).filter(not_exists(from_here));
    let destinations = scalar(their_flights.project(count_distinct(Flight::dest)));
    select((Airline::carrier, Airline::name, &destinations))
        .filter(not_exists(not_served))
        .order_by((destinations.desc(), Airline::carrier))
}

/// 8. On which days did an airline with at least 20 flights cancel one in eight of them or more?
pub fn bad_days() -> Select<(i32, i32, String, i64, i64)> {
    let cancelled = count_where(Flight::dep_time.is_null());
    select((Flight::month, Flight::day, Flight::carrier, count_all(), &cancelled))
        .group_by((Flight::month, Flight::day, Flight::carrier))
        .having(count_all().ge(20))
        .having((cancelled * 8).ge(count_all()))
        .order_by((Flight::month, Flight::day, Flight::carrier))
}
