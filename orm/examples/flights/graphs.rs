//! Entities with what is related to them: one statement for each relationship, however many rows there are.

use relata::prelude::*;

use super::entities::*;

/// A flight with what it leads to. What real data may lack is an `Option`.
pub type Delay = (Flight, Airline, Option<Plane>, Option<Airport>, Option<Weather>);

/// The flights that left latest, with airline, plane, destination and weather.
pub async fn longest_delays(db: &Engine) -> relata::Result<Vec<Delay>> {
    Flight::select()
        .order_by(Flight::dep_delay.desc().nulls_last())
        .limit(5)
        .with(Flight::airline)
        .with(Flight::plane)
        .with(Flight::to)
        .with(Flight::weather)
        .all(db)
        .await
}

/// A plane that is slow, says the registry. Only these columns are read.
#[derive(Shape, Debug)]
#[shape(of = Plane)]
pub struct SlowPlane {
    pub tailnum: String,
    pub manufacturer: String,
    pub model: String,
    pub speed: Option<i32>,
    pub flights: Vec<Leg>,
}

/// One of its flights.
#[derive(Shape, Debug)]
#[shape(of = Flight)]
pub struct Leg {
    pub day: i32,
    pub airline: Airline,
    pub origin: String,
    pub to: Option<Destination>,
    pub air_time: Option<i32>,
    pub distance: i32,
}

/// Where it went.
#[derive(Shape, Debug, Clone)]
#[shape(of = Airport)]
pub struct Destination {
    pub name: String,
}

/// The planes that fly at less than 100 miles an hour.
pub async fn slow_planes(db: &Engine) -> relata::Result<Vec<SlowPlane>> {
    Plane::select().filter(Plane::speed.lt(100)).order_by(Plane::tailnum).shape().all(db).await
}
