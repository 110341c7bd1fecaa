//! Fills the tables from the compressed CSV files in `data/`.

use std::error::Error;

use flate2::read::GzDecoder;
use relata::{entity::Insertable, prelude::*};
use serde::de::DeserializeOwned;

use super::entities::*;

/// How many rows there are in all five files.
pub const ROWS: u64 = 32_661;

/// Loads all five tables in one transaction, and tells `progress` of each batch how many rows it had.
pub async fn load(db: &Engine, progress: impl Fn(u64)) -> Result<(), Box<dyn Error>> {
    let mut tx = db.begin().await?;
    table::<NewAirline>(include_bytes!("data/airlines.csv.gz"), &mut tx, &progress).await?;
    table::<NewAirport>(include_bytes!("data/airports.csv.gz"), &mut tx, &progress).await?;
    table::<NewPlane>(include_bytes!("data/planes.csv.gz"), &mut tx, &progress).await?;
    table::<NewWeather>(include_bytes!("data/weather.csv.gz"), &mut tx, &progress).await?;
    table::<NewFlight>(include_bytes!("data/flights.csv.gz"), &mut tx, &progress).await?;
    Ok(tx.commit().await?)
}

/// Inserts the rows of a file, a thousand at a time.
async fn table<N: Insertable + DeserializeOwned>(
    file: &[u8],
    tx: &mut Transaction<'_>,
    progress: impl Fn(u64),
) -> Result<(), Box<dyn Error>> {
    let mut rows = csv::Reader::from_reader(GzDecoder::new(file)).into_deserialize::<N>();
    loop {
        let batch = rows.by_ref().take(1000).collect::<Result<Vec<N>, _>>()?;
        if batch.is_empty() {
            return Ok(());
        }
        progress(insert_many(batch).execute(&mut *tx).await?);
    }
}

/// The first of the five tables that is there already.
pub async fn existing_table(db: &Engine) -> relata::Result<Option<&'static str>> {
    let found = [
        is_there::<Airline>(db).await?,
        is_there::<Airport>(db).await?,
        is_there::<Plane>(db).await?,
        is_there::<Weather>(db).await?,
        is_there::<Flight>(db).await?,
    ];
    Ok(found.into_iter().flatten().next())
}

/// The table's name, if it can be read from.
async fn is_there<E: Entity>(db: &Engine) -> relata::Result<Option<&'static str>> {
    match select(val(1)).from(E::entity()).first(db).await {
        Ok(_) => Ok(Some(E::TABLE.name)),
        Err(error) if error.class() == ErrorClass::Statement => Ok(None),
        Err(error) => Err(error),
    }
}
