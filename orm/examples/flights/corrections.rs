//! Changes, made through a session: it owns what was read and added, and a flush writes what has changed.

use std::error::Error;

use relata::prelude::*;

use super::entities::*;

/// Corrects what is wrong in the data, and plays what-if with the last day of the month. Nothing is written yet.
pub async fn correct(session: &mut Session) -> Result<(), Box<dyn Error>> {
    // What is read is owned by the session; a handle names it.
    let last_day = Flight::select().filter(Flight::day.eq(31));
    let eagle = session.get::<Airline>("MQ").await?.ok_or("no airline MQ")?;
    let honolulu = session.one(last_day.clone().filter(Flight::carrier.eq("HA"))).await?;
    let grounded = session.all(last_day.filter(Flight::tailnum.eq("N292JB"))).await?;

    // MQ flew as American Eagle in 2013; Envoy is its later name. Only the column that has changed will be written.
    session[eagle].name = "American Eagle Airlines Inc.".into();

    // Flights to San Juan lead to an airport that is missing.
    session.add(NewAirport {
        faa: "SJU".into(),
        name: "Luis Munoz Marin Intl".into(),
        lat: 18.4394,
        lon: -66.0018,
        alt: 9,
        tz: -4,
        dst: "N".into(),
        tzone: "America/Puerto_Rico".into(),
    });

    // What if Hawaiian had cancelled its flight?
    let flight = &mut session[honolulu];
    (flight.dep_time, flight.dep_delay) = (None, None);
    (flight.arr_time, flight.arr_delay, flight.air_time) = (None, None, None);

    // What if another plane had flown for N292JB? One that the registry lacks: it is inserted before the flights refer to it.
    let substitute = session.add(NewPlane {
        tailnum: "N526JB".into(),
        year: None,
        r#type: "Fixed wing multi engine".into(),
        manufacturer: "AIRBUS".into(),
        model: "A320-232".into(),
        engines: 2,
        seats: 200,
        speed: None,
        engine: "Turbo-fan".into(),
    });
    for flight in grounded {
        session.set(flight, Flight::plane, substitute);
    }
    Ok(())
}

/// How often each of the two planes flew on that day.
pub fn last_day_of_the_planes() -> Select<(String, String, i64)> {
    select((Plane::tailnum, Plane::model, count_all()))
        .join(Plane::flights)
        .filter(Plane::tailnum.in_list(["N292JB", "N526JB"]))
        .filter(Flight::day.eq(31))
        .group_by((Plane::tailnum, Plane::model))
        .order_by(Plane::tailnum)
}
