//! Learning the database's own types beforehand, where statements have no names.

use futures_util::StreamExt;
use tokio_postgres::{Client, SimpleQueryMessage};

/// A NULL of each type that is not built in: `NULL::mood, NULL::mood[]`. `regtype` quotes the names.
const OWN_TYPES: &str = "SELECT string_agg('NULL::' || name, ', ') FROM (SELECT oid::regtype::text AS name FROM pg_type \
    WHERE typtype IN ('b', 'e', 'r', 'm') AND typnamespace <> ALL ('{pg_catalog,information_schema}'::regnamespace[]) \
    LIMIT 1000) AS own";

/// Reads a row of all the types that the database has of its own, so that tokio-postgres knows them.
///
/// It asks the server for a type when it meets one in a result. While the rest of a large result waits to be read, the
/// answer cannot come, and both would wait for ever; a prepared statement meets its types before it runs. A type that is
/// created later, or that cannot be learned (a pooler may not allow it), is met as before.
///
/// For its questions tokio-postgres does use names, which is why none is asked where the database has no such types.
pub(super) async fn learn(client: &Client) -> Result<(), tokio_postgres::Error> {
    for message in client.simple_query(OWN_TYPES).await? {
        if let SimpleQueryMessage::Row(row) = message
            && let Ok(Some(nulls)) = row.try_get(0)
        {
            let mut rows =
                std::pin::pin!(client.query_typed_raw::<i32, _>(&format!("SELECT {nulls}"), []).await?);
            while let Some(row) = rows.next().await {
                row?;
            }
        }
    }
    Ok(())
}
