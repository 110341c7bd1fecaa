//! Watching the statements that run: recorders and `tracing`.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use relata_core::{
    ErrorClass, Result,
    entity::Entity,
    expr::Operators,
    statement::{insert, insert_many},
};
use relata_pool::{Execute, Fetch};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::support::*;

#[tokio::test]
async fn a_recorder_sees_what_runs() -> Result<()> {
    let db = database().await;
    insert(new("before@x")).execute(&db.engine).await?;

    let recorder = db.engine.record();
    let mut tx = db.engine.begin().await?;
    insert_many(["a@x", "b@x"].map(new)).execute(&mut tx).await?;
    assert_eq!(User::select().all(&mut tx).await?.len(), 3);
    tx.commit().await?;
    insert(new("a@x")).execute(&db.engine).await.unwrap_err();

    assert_eq!(recorder.count(), 3, "without BEGIN and COMMIT: {recorder:?}");
    assert!(recorder.sql()[1].starts_with("SELECT"));
    let all = recorder.take();
    let seen: Vec<_> =
        all.iter().map(|ran| (&ran.sql[..6], ran.transaction_control, ran.rows, ran.failed)).collect();
    assert_eq!(all[1].rows_affected, 2);
    assert_eq!(
        seen,
        [
            ("BEGIN ", true, 0, false),
            ("INSERT", false, 0, false),
            ("SELECT", false, 3, false),
            ("COMMIT", true, 0, false),
            ("INSERT", false, 0, true),
        ]
    );
    assert_eq!(recorder.statements(), []);

    drop(recorder);
    let again = db.engine.record();
    let other = db.engine.record();
    User::select().one_or_none(&db.engine).await.unwrap_err();
    assert_eq!((again.count(), other.count()), (1, 1));
    Ok(())
}

/// Keeps events as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "relata" && *metadata.level() <= Level::DEBUG
    }
    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields(format!("span {}", span.metadata().name()));
        span.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(event.metadata().level().to_string());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

async fn logged(log_parameters: bool, slow: Option<Duration>) -> Result<Vec<String>> {
    let options = options().log_parameters(log_parameters).slow_statement(slow);
    let db = database_with(options, Behaviour::default()).await;
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    insert(new("secret@x")).execute(&db.engine).await?;
    User::select().filter(User::email.eq("secret@x")).one(&db.engine).await?;
    db.server.fault("SELECT", 1, Fault::Error(ErrorClass::Deadlock));
    User::select().all(&db.engine).await.unwrap_err();
    drop(guard);
    let lines = std::mem::take(&mut *log.0.lock().unwrap());
    Ok(lines)
}

#[tokio::test]
async fn spans_and_events() -> Result<()> {
    let lines = logged(false, None).await?;
    let all = lines.join("\n");
    assert_eq!(lines.len(), 6, "a span and an event for each statement: {all}");
    assert!(lines[0].starts_with("span statement db.system.name=\"TestSQL\""), "{all}");
    assert!(
        lines[1].contains("db.query.text=\"INSERT INTO") && lines[1].contains("rows_affected=1"),
        "{all}"
    );
    assert!(lines[3].contains("db.response.returned_rows=1") && lines[3].contains("duration_us="), "{all}");
    assert!(lines[5].contains("statement failed") && lines[5].contains("as the test wants"), "{all}");
    assert!(!all.contains("secret@x"), "{all}");

    let lines = logged(true, Some(Duration::ZERO)).await?;
    assert!(lines[1].starts_with("WARN") && lines[1].contains("slow statement"), "{lines:?}");
    assert!(lines[1].contains("secret@x"), "{lines:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_shows_a_secret_by_itself() -> Result<()> {
    let db = database().await;
    let engine = format!("{:?}", db.engine);
    assert!(engine.contains("TestSQL") && engine.contains("max_size: 2"), "{engine}");
    Ok(())
}
