//! The five tables, as structs. Data, keys and columns are described in the README beside this file.

use jiff::Timestamp;
use relata::prelude::*;
use serde::Deserialize;

/// Flies.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "airlines", has_many(flights: Flight), new(derive(Deserialize)))]
pub struct Airline {
    #[column(primary_key, length = 2)]
    pub carrier: String,
    pub name: String,
}

/// Where flights begin and end.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "airports",
    has_many(departures: Flight, key = origin),
    has_many(arrivals: Flight, key = dest),
    new(derive(Deserialize))
)]
pub struct Airport {
    #[column(primary_key, length = 3)]
    pub faa: String,
    pub name: String,
    pub lat: f64,
    pub lon: f64,
    pub alt: i32,
    pub tz: i32,
    pub dst: String,
    pub tzone: String,
}

/// What flies, as the registry knows it.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "planes", has_many(flights: Flight), new(derive(Deserialize)))]
pub struct Plane {
    #[column(primary_key, length = 6)]
    pub tailnum: String,
    pub year: Option<i32>,
    pub r#type: String,
    pub manufacturer: String,
    pub model: String,
    pub engines: i32,
    pub seats: i32,
    pub speed: Option<i32>,
    pub engine: String,
}

/// The weather at an airport, in one hour.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "weather", belongs_to(airport: Airport, key = origin), new(derive(Deserialize)))]
pub struct Weather {
    #[column(primary_key, length = 3, references = Airport::faa)]
    pub origin: String,
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub temp: f64,
    pub dewp: f64,
    pub humid: f64,
    pub wind_dir: Option<i32>,
    pub wind_speed: f64,
    pub wind_gust: Option<f64>,
    pub precip: f64,
    pub pressure: Option<f64>,
    pub visib: f64,
    #[column(primary_key)]
    pub time_hour: Timestamp,
}

/// One flight, on one day. Real data has keys that lead nowhere: to planes, airports and hours that nobody wrote down. These
/// are relationships as well, but no foreign keys, and what they lead to is an `Option`.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "flights",
    belongs_to(airline: Airline, key = carrier),
    belongs_to(from: Airport, key = origin),
    belongs_to(to: Airport, key = dest, optional),
    belongs_to(plane: Plane, key = tailnum),
    belongs_to(weather: Weather, key = (origin, time_hour), optional),
    index(origin, time_hour),
    new(derive(Deserialize))
)]
pub struct Flight {
    #[column(primary_key)]
    pub id: i64,
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub dep_time: Option<i32>,
    pub sched_dep_time: i32,
    pub dep_delay: Option<i32>,
    pub arr_time: Option<i32>,
    pub sched_arr_time: i32,
    pub arr_delay: Option<i32>,
    #[column(length = 2, index, references = Airline::carrier)]
    pub carrier: String,
    pub flight: i32,
    #[column(length = 6, index)]
    pub tailnum: Option<String>,
    #[column(length = 3, references = Airport::faa)]
    pub origin: String,
    #[column(length = 3, index)]
    pub dest: String,
    pub air_time: Option<i32>,
    pub distance: i32,
    pub hour: i32,
    pub minute: i32,
    pub time_hour: Timestamp,
}

/// The five tables.
pub fn schema() -> Schema {
    Schema::new().with::<Airline>().with::<Airport>().with::<Plane>().with::<Weather>().with::<Flight>()
}
